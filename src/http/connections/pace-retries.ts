// A crowd that was told to come back later, and asks again at once. Left alone, each turn of the event loop would turn all
// of it away once more, a thousand clients some tenths of a second; and a turn is what it takes to accept a new connection
// (libuv accepts one in each), to answer a probe, and to hand a worker its next images. So only a few are heard again in
// each turn. What the others ask stays in their connections, unread, until they are; who came first is heard first.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import fp from 'fastify-plugin';
import { Failure } from '../../foundation/errors.js';

/** How many of those that were told `Retry-After` are heard again in a turn; if there are no more, nobody waits. */
export const HEARD_PER_TURN = 5;
/** Turns are no shorter; under load they are longer. */
const TURN_MILLISECONDS = 1;

/** For the routes that are registered after it. When the app closes, everyone is heard. */
export const paceRetries = fp(
  async (app) => {
    const waiting: Socket[] = [];
    let heard = 0;
    let turns: NodeJS.Timeout | undefined;

    app.addHook('onError', (request, reply, error, done) => {
      if (error instanceof Failure && error.retryAfterSeconds !== undefined) {
        reply.raw.once('close', () => whenReceived(request.raw, pace));
      }
      done();
    });
    app.addHook('preClose', async () => {
      for (const socket of waiting.splice(0)) socket.resume();
    });

    function pace(socket: Socket): void {
      if (!app.server.listening || socket.destroyed) return;
      turns ??= setInterval(nextTurn, TURN_MILLISECONDS);
      if (heard < HEARD_PER_TURN) {
        heard++;
        return;
      }
      socket.pause();
      waiting.push(socket);
    }

    function nextTurn(): void {
      const next = waiting.splice(0, HEARD_PER_TURN);
      heard = next.length;
      for (const socket of next) socket.resume();
      if (heard > 0) return;
      clearInterval(turns);
      turns = undefined;
    }
  },
  { name: 'pace-retries' },
);

/** A request may be answered before its body is there; what is left of it is still received. */
function whenReceived(request: IncomingMessage, then: (socket: Socket) => void): void {
  if (request.complete) then(request.socket);
  else request.once('end', () => then(request.socket));
}
