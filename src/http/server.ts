// Node's HTTP server of the application.
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import type { Config } from '../config/settings.js';

/** How often Node looks for requests that take too long; its default is 30 s. */
const CHECK_MILLISECONDS = 1000;

export function createServer(
  {
    requestTimeoutSeconds,
    keepAliveTimeoutSeconds,
  }: Pick<Config, 'requestTimeoutSeconds' | 'keepAliveTimeoutSeconds'>,
  listener: RequestListener,
): Server {
  // The time for a request also limits the time for its headers.
  const requestTimeout = requestTimeoutSeconds * 1000;
  return createHttpServer(
    {
      requestTimeout,
      keepAliveTimeout: keepAliveTimeoutSeconds * 1000,
      connectionsCheckingInterval: CHECK_MILLISECONDS,
      // Node's own refusal of a request without Host is no problem document; connections/refuse-odd-heads.ts refuses it.
      requireHostHeader: false,
    },
    listener,
  );
}
