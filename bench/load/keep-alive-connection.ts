// A keep-alive HTTP/1.1 connection that takes little CPU time, because client and server share the CPU cores. undici's
// Client took 2.3 to 2.7 times as much per request (193 to 219 µs instead of 63 to 85 µs), as much as the server takes
// for a small network. Of the response headers, the connection reads only `Content-Length` and `Connection: close`.
import { connect, type Socket } from 'node:net';
import { monotonicSeconds } from '../../src/foundation/clock.js';
import { invariant } from '../../src/foundation/errors.js';

export interface Answer {
  readonly status: number;
  /** Status line and headers, as received. */
  readonly head: string;
  readonly body: string;
  /** From sending the request to the last byte of the answer. */
  readonly seconds: number;
}

export interface KeepAliveConnection {
  /**
   * Sends a request from `encodeRequest` and waits for its answer. Call for one request at a time.
   * @throws Error if the connection breaks or no data arrives for too long; the next exchange opens a new connection
   */
  exchange(request: Uint8Array): Promise<Answer>;
  close(): void;
}

/** Time without data after which a request counts as unanswered. */
const TIMEOUT_MS = 30_000;

const END_OF_HEAD = '\r\n\r\n';

interface Exchange {
  readonly started: number;
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

export interface RequestHead {
  /** Default: `image/png`. */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Encodes a POST of one image. */
export function encodeRequest(
  url: URL,
  image: Uint8Array,
  { contentType = 'image/png', headers = {} }: RequestHead = {},
): Uint8Array {
  const head = [
    `POST ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    `Content-Type: ${contentType}`,
    `Content-Length: ${image.length}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ].join('\r\n');
  return Buffer.concat([Buffer.from(head + END_OF_HEAD, 'latin1'), image]);
}

export function createKeepAliveConnection({ hostname, port }: URL): KeepAliveConnection {
  let socket: Socket | undefined;
  let exchange: Exchange | undefined;
  let received = '';

  function open(): Socket {
    const opened = connect({ host: hostname, port: Number(port), noDelay: true });
    const lost = (reason: string): void => {
      opened.destroy();
      if (socket !== opened) return;
      socket = undefined;
      const broken = exchange;
      exchange = undefined;
      broken?.reject(new Error(reason));
    };
    opened.setEncoding('latin1');
    opened.setTimeout(TIMEOUT_MS, () => lost(`no answer within ${TIMEOUT_MS / 1000} s`));
    opened.on('error', ({ message }) => lost(message));
    opened.on('close', () => lost('the connection was closed'));
    opened.on('data', (chunk: string) => {
      received += chunk;
      const answered = exchange;
      const answer = answered && parse(received, answered.started);
      if (!answer) return;
      exchange = undefined;
      if (/\r\nconnection: close\r\n/i.test(answer.head)) {
        socket = undefined;
        opened.end();
      }
      answered.resolve(answer);
    });
    return opened;
  }

  return {
    exchange: (request) =>
      new Promise((resolve, reject) => {
        received = '';
        exchange = { started: monotonicSeconds(), resolve, reject };
        socket ??= open();
        socket.write(request);
      }),
    close: () => socket?.destroy(),
  };
}

/** @returns undefined while the answer is not complete */
function parse(received: string, started: number): Answer | undefined {
  const headLength = received.indexOf(END_OF_HEAD);
  if (headLength < 0) return undefined;
  const head = received.slice(0, headLength + 2);
  const bodyLength = /\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1];
  invariant(bodyLength, 'every answer of the service has a Content-Length');
  const bodyStart = headLength + END_OF_HEAD.length;
  if (received.length < bodyStart + Number(bodyLength)) return undefined;
  return {
    status: Number(head.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length)),
    head,
    body: received.slice(bodyStart),
    seconds: monotonicSeconds() - started,
  };
}
