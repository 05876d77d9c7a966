// Tells when nobody waits for an answer any more. (Fastify's own request.signal fires as soon as a request's body
// has been read: it follows the request's stream, not the connection.)
import type { FastifyReply } from 'fastify';
import type { ClientSignal } from '../../workers/request.js';

/** Aborted if the connection closes before the response has been sent. */
export function clientSignal({ raw }: FastifyReply): ClientSignal {
  const listeners: (() => void)[] = [];
  // No getter: one in an object literal gives every object a hidden class of its own, which keeps alive whatever the getter
  // can see, here the whole request, until a major garbage collection.
  const signal = {
    aborted: false,
    addEventListener: (_type: 'abort', listener: () => void) => listeners.push(listener),
  };
  raw.once('close', () => {
    if (raw.writableFinished) return;
    signal.aborted = true;
    for (const listener of listeners) listener();
  });
  return signal;
}
