// Lets the answer to a request that is still arriving reach its client. Node closes a connection that is not kept alive
// as soon as the answer is written. If the client still sends, the system then resets the connection, and the client,
// or the proxy between (nginx speaks HTTP/1.0 to servers), fails instead of reading the answer.
import type { IncomingMessage } from 'node:http';

/**
 * If the connection closes after the answer: end this side, receive and drop the rest of the request, and only then
 * close. nginx calls this `lingering_close`.
 * @param milliseconds after which it is closed in any case
 */
export function lingerOnClose(request: IncomingMessage, milliseconds: number): void {
  const { socket } = request;
  function destroySoon(): void {
    Reflect.deleteProperty(socket, 'destroySoon');
    if (request.complete) {
      socket.destroySoon();
      return;
    }
    socket.end();
    const patience = setTimeout(close, milliseconds);
    request.once('end', close);
    socket.once('close', () => clearTimeout(patience));
  }
  function close(): void {
    socket.destroy();
  }
  // Node calls this method when the last answer of the connection is written.
  Object.defineProperty(socket, 'destroySoon', { value: destroySoon, configurable: true });
}
