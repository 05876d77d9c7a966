// Tells when nobody waits for an answer any more. (Fastify's own request.signal fires as soon as a request's body
// has been read: it follows the request's stream, not the connection.)
import type { FastifyReply } from 'fastify';
import type { ClientSignal } from '../inference/scheduler.js';

/** Aborted if the connection closes before the response has been sent. */
export function clientSignal({ raw }: FastifyReply): ClientSignal {
  const listeners: (() => void)[] = [];
  let aborted = false;
  raw.once('close', () => {
    if (raw.writableFinished) return;
    aborted = true;
    for (const listener of listeners) listener();
  });
  return {
    get aborted() {
      return aborted;
    },
    addEventListener: (_type, listener) => listeners.push(listener),
  };
}
