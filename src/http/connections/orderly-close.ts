// Closes connections when the app closes. By default Node would close idle connections at once, although the next
// request may already be on its way, and would wait for connections that never send a request.
import type { ServerResponse } from 'node:http';
import { Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import fp from 'fastify-plugin';
import { remove } from '../../foundation/remove.js';

/** How long a keep-alive connection may still send one last request. */
const LINGER_MILLISECONDS = 1000;
/** How long clients may still read their answers after the last one has begun. */
const READING_MILLISECONDS = 3000;
const POLL_MILLISECONDS = 10;

/**
 * On close: accept no new connections. Requests on existing connections are still answered, with `connection: close`,
 * however long that takes. Then all remaining connections are closed, even if clients have not read their answers.
 */
export const orderlyClose = fp(
  async (app) => {
    const { server } = app;
    const open: ServerResponse[] = [];
    server.on('request', (_request, response) => {
      open.push(response);
      response.once('close', () => remove(open, response));
    });

    app.addHook('preClose', async () => {
      // The method of net.Server: http.Server's own close, which Fastify calls later, also closes idle connections.
      Server.prototype.close.call(server);
      // Only the last response of each connection: Node sends no further response after `connection: close`.
      const last = new Map(open.map((response) => [response.req.socket, response]));
      for (const response of last.values()) {
        if (!response.headersSent) response.setHeader('connection', 'close');
      }
      // Fastify sets this header for later requests, so every connection ends after at most one more request.
      await until(async () => (await connections()) === 0, LINGER_MILLISECONDS);
      await until(() => open.every(({ headersSent }) => headersSent));
      await until(() => open.length === 0, READING_MILLISECONDS);
      server.closeAllConnections();
    });

    function connections(): Promise<number> {
      return new Promise((resolve, reject) => {
        server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
      });
    }
  },
  { name: 'orderly-close' },
);

async function until(holds: () => boolean | Promise<boolean>, patience = Number.POSITIVE_INFINITY) {
  const end = performance.now() + patience;
  while (performance.now() < end && !(await holds())) await sleep(POLL_MILLISECONDS);
}
