// How connections end when the app closes. Left alone, Node would cut those that are idle at that moment, where the
// next request may already be on its way, and would wait for those on which nobody ever says a word.
import type { ServerResponse } from 'node:http';
import { Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import fp from 'fastify-plugin';
import { remove } from '../../foundation/remove.js';

/** For how long a kept-alive connection may still bring its one last request. */
const LINGER_MILLISECONDS = 1000;
/** For how long, after the last answer, clients may go on to read theirs. */
const READING_MILLISECONDS = 3000;
const POLL_MILLISECONDS = 10;

/**
 * On close: no new connections; whatever arrives on those that exist is still answered, with `connection: close`,
 * however long that takes; then those that are left are ended, read to their end or not.
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
      // The close of http.Server, which Fastify calls after this, would also end the idle connections.
      Server.prototype.close.call(server);
      // Of each connection the last one only: behind an answer that says so, Node gives none.
      const last = new Map(open.map((response) => [response.req.socket, response]));
      for (const response of last.values()) {
        if (!response.headersSent) response.setHeader('connection', 'close');
      }
      // Later requests get this header from Fastify, so that every connection ends after at most one more of them.
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
