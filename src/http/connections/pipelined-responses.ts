// Ensures that every response emits 'close'. Node assigns the socket to a pipelined response only when it is its turn.
// If the connection closes before, Node never emits 'close' on that response, and its listeners would wait for ever.
import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { remove } from '../../foundation/remove.js';

/** The responses of a connection that have not been sent, in order. */
export type ResponsesOf = (socket: Socket) => readonly ServerResponse[];

/** When a connection closes, also closes its responses that never got the socket. */
export function closePipelinedResponses(server: Server): ResponsesOf {
  const responsesOf = new WeakMap<Socket, ServerResponse[]>();
  server.on('connection', (socket) => {
    const responses: ServerResponse[] = [];
    responsesOf.set(socket, responses);
    socket.once('close', () => {
      for (const response of [...responses]) if (!response.socket) close(response);
    });
  });
  server.on('request', ({ socket }, response) => {
    const responses = responsesOf.get(socket);
    if (!responses) return;
    responses.push(response);
    response.once('close', () => remove(responses, response));
  });
  return (socket) => responsesOf.get(socket) ?? [];
}

function close(response: ServerResponse): void {
  response.destroy();
  // For streams that are piped into it later: they check `closed` to know whether 'close' will still be emitted.
  Object.defineProperty(response, 'closed', { value: true });
  response.emit('close');
}
