// A signal that the client has disconnected. (Fastify's request.signal cannot be used: it follows the request's stream,
// not the connection, so it fires as soon as the body has been read.)
import type { ServerResponse } from 'node:http';
import type { ClientSignal } from '../../workers/request.js';

/** Aborted if the connection closes before the response has been sent. */
export function clientSignal(response: ServerResponse): ClientSignal {
  const listeners: (() => void)[] = [];
  // Not a getter: with a getter in an object literal, V8 gives every object its own hidden class. That keeps the
  // getter's closure, here the whole request, alive until a major garbage collection.
  const signal = {
    aborted: false,
    addEventListener: (_type: 'abort', listener: () => void) => listeners.push(listener),
  };
  response.once('close', () => {
    if (response.writableFinished) return;
    signal.aborted = true;
    for (const listener of listeners) listener();
  });
  return signal;
}
