// Answers clients that end their side of the connection after a whole request (`nc -N`, `shutdown(SHUT_WR)`). A client
// that has gone looks the same. So until the answer begins, the server sends `100 Continue` at growing intervals, which
// every HTTP/1.1 client must expect: if the client has gone, its system refuses what is sent, the connection breaks, and
// the client's images are dropped.
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { ResponsesOf } from './pipelined-responses.js';

const FIRST_INTERVAL_MILLISECONDS = 50;

export function answerHalfClosed(server: Server, responsesOf: ResponsesOf): void {
  // An old property of http.Server that its types lack: the server ends its side only after its last answer.
  Object.assign(server, { httpAllowHalfOpen: true });
  server.on('connection', (socket: Socket) => {
    socket.once('end', () => ask(socket, FIRST_INTERVAL_MILLISECONDS));
  });

  function ask(socket: Socket, milliseconds: number): void {
    const [current] = responsesOf(socket);
    if (!current || current.headersSent || current.req.httpVersion !== '1.1') return;
    current.writeContinue();
    setTimeout(ask, milliseconds, socket, 2 * milliseconds).unref();
  }
}
