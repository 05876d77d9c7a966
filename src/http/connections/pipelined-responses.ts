// Sees to it that every response ends with 'close'. Node gives one that is asked for behind another no connection
// before its turn; where the connection is gone first, it says nothing of it, ever, and whoever waits does so for good.
import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { remove } from '../../foundation/remove.js';

/** Closes responses that never had their turn together with the connection they were meant for. */
export function closePipelinedResponses(server: Server): void {
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
}

function close(response: ServerResponse): void {
  response.destroy();
  // For streams that are piped into it only now: they look whether 'close' is still to come.
  Object.defineProperty(response, 'closed', { value: true });
  response.emit('close');
}
