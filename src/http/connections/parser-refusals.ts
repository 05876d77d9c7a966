// Answers what Node's HTTP parser refuses, before or during a request. Fastify calls no hook for this, so the problem
// document is written directly to the socket, with the same headers as other problems.
import { randomUUID } from 'node:crypto';
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { Failure, type FailureType, failures } from '../../foundation/errors.js';
import type { Metrics } from '../../telemetry/metrics.js';
import { problemAnswer } from '../problems.js';

/** What is needed of a request that is being received. */
interface NotedRequest {
  readonly raw: IncomingMessage;
  readonly id: string;
}

export interface ParserRefusals {
  /** Call for every request. */
  note(request: NotedRequest): void;
  /** Answers, counts and logs a refusal; destroys the socket if the client has disconnected. */
  answer(error: Error & { code?: string }, socket: Socket): void;
  /** The failure with which a request on this connection was refused, if any. */
  of(socket: Socket): Failure | undefined;
}

/** How long a client may take to read the answer and end its side of the connection. */
const LAST_WORDS_MILLISECONDS = 1000;

/** The connection broke, or the client ended its side during a request, as a client that cancels it does. */
const goneCodes = ['ECONNRESET', 'HPE_INVALID_EOF_STATE'];

const parserFailures: Record<string, FailureType> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  CONNECT: 'method-not-allowed',
};

export function createParserRefusals(metrics: Metrics, logger: Logger): ParserRefusals {
  const refused = new WeakMap<Socket, Failure>();
  const latest = new WeakMap<Socket, NotedRequest>();

  return {
    note: (request) => latest.set(request.raw.socket, request),
    of: (socket) => refused.get(socket),
    answer({ code = '' }, socket) {
      if (goneCodes.includes(code)) socket.destroy();
      // A connection that was opened in advance and never used, as browsers and load balancers do: there is no request.
      if (code === 'ERR_HTTP_REQUEST_TIMEOUT' && socket.bytesRead === 0) socket.destroy();
      if (!socket.writable) return; // disconnected, or already answered and still sending
      const type = parserFailures[code] ?? 'malformed-request';
      const failure = new Failure(type, `${failures[type].title}.`);
      refused.set(socket, failure);
      metrics.rejections.inc({ reason: type });
      const requestId = requestIdOf(socket, failure.status);
      const { status, headers, body } = problemAnswer(failure, requestId);
      const lines = Object.entries({ ...headers, connection: 'close' }).map(
        ([name, value]) => `${name}: ${value}\r\n`,
      );
      socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
      setTimeout(() => socket.destroy(), LAST_WORDS_MILLISECONDS);
    },
  };

  /** The id of the request that is still being received (logged when it ends); else a new id, logged here. */
  function requestIdOf(socket: Socket, status: number): string {
    const request = latest.get(socket);
    if (request?.raw.complete === false) return request.id;
    const requestId = randomUUID();
    logger.info({ requestId, status }, 'request');
    return requestId;
  }
}
