// Node's HTTP server of the application.
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import type { Config } from '../config/config.js';

/** How often Node looks for requests that take too long; its default is 30 s. */
const CHECK_MILLISECONDS = 1000;
/** Longer than the idle time of common load balancers, so that they, not this server, close idle connections. */
const KEEP_ALIVE_MILLISECONDS = 72_000;

export function createServer(
  { requestTimeoutSeconds }: Pick<Config, 'requestTimeoutSeconds'>,
  listener: RequestListener,
): Server {
  // The time for a request also limits the time for its headers.
  const requestTimeout = requestTimeoutSeconds * 1000;
  const server = createHttpServer(
    { requestTimeout, connectionsCheckingInterval: CHECK_MILLISECONDS },
    listener,
  );
  server.keepAliveTimeout = KEEP_ALIVE_MILLISECONDS;
  return server;
}
