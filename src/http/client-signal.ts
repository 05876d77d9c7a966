// Tells when nobody waits for an answer any more. (Fastify's own request.signal fires as soon as a request's body
// has been read: it follows the request's stream, not the connection.)
import { setMaxListeners } from 'node:events';
import type { FastifyReply } from 'fastify';

/** Aborted if the connection closes before the response has been sent. */
export function clientSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal); // every image of a batch listens
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
}
