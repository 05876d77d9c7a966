// A signal that the client has disconnected. (Fastify's request.signal cannot be used: it follows the request's stream,
// not the connection, so it fires as soon as the body has been read.)
import type { ServerResponse } from 'node:http';
import { createClientSignal } from '../../foundation/client-signal.js';
import type { ClientSignal } from '../../workers/request.js';

/** Aborted if the connection closes before the response has been sent. */
export function clientSignal(response: ServerResponse): ClientSignal {
  const { signal, abort } = createClientSignal();
  response.once('close', () => {
    if (!response.writableFinished) abort();
  });
  return signal;
}
