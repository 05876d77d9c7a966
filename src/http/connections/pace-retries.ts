// Limits the rate of retries from clients that ignore `Retry-After` and retry at once. Otherwise each turn of the event
// loop would refuse all of them again, which takes some tenths of a second for a thousand clients. Other work waits for
// that turn: accepting a connection (libuv accepts one per turn), answering a probe, giving a worker its next images.
// So only a few retries are read per turn, in order of arrival. The others stay unread in their connections.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import fp from 'fastify-plugin';
import { Failure } from '../../foundation/errors.js';

/** How many connections answered with `Retry-After` are read again per turn; up to this number, none has to wait. */
export const HEARD_PER_TURN = 5;
/** Minimum duration of a turn; under load turns are longer. */
const TURN_MILLISECONDS = 1;

export interface RetryPace {
  /** Call before the answer with `Retry-After`. */
  refused(request: IncomingMessage, response: ServerResponse): void;
  /** From now on, all connections are read. */
  close(): void;
}

export function createRetryPace(): RetryPace {
  const waiting: Socket[] = [];
  let heard = 0;
  let turns: NodeJS.Timeout | undefined;
  let isClosed = false;

  function pace(socket: Socket): void {
    if (isClosed || socket.destroyed) return;
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

  return {
    refused: (request, response) => void response.once('close', () => whenReceived(request, pace)),
    close() {
      isClosed = true;
      for (const socket of waiting.splice(0)) socket.resume();
    },
  };
}

/** Applies to routes that are registered after it. When the app closes, all connections are read again. */
export const paceRetries = fp<{ pace: RetryPace }>(
  async (app, { pace }) => {
    app.addHook('onError', (request, reply, error, done) => {
      if (error instanceof Failure && error.retryAfterSeconds !== undefined) {
        pace.refused(request.raw, reply.raw);
      }
      done();
    });
    app.addHook('preClose', async () => pace.close());
  },
  { name: 'pace-retries' },
);

/** Waits for the end of the request: it may be answered before its body has arrived, and the rest is still received. */
function whenReceived(request: IncomingMessage, then: (socket: Socket) => void): void {
  if (request.complete) then(request.socket);
  else request.once('end', () => then(request.socket));
}
