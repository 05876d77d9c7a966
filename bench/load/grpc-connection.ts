// A connection of HTTP/2 with one call of gRPC at a time, for the load client: like keep-alive-connection.ts, it uses as
// little CPU time as it can. It decodes no headers: an answer with a message is one, an answer without is a refusal.
import { connect, type Socket } from 'node:net';
import { monotonicSeconds } from '../../src/foundation/clock.js';
import type { Answer, KeepAliveConnection } from './keep-alive-connection.js';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const HEAD_BYTES = 9;
const [DATA, HEADERS, SETTINGS, PING, GOAWAY, WINDOW_UPDATE] = [0, 1, 4, 6, 7, 8];
const [END_STREAM, END_HEADERS, ACK] = [1, 4, 1];
const LARGEST_WINDOW = 2 ** 31 - 1;
/** A server replenishes its window of 65,535 bytes at the latest when half of it is used. */
const MOST_BYTES = 32_767;
const LARGEST_FRAME = 16_384;
const TIMEOUT_MS = 30_000;

/** A message behind its prefix: not compressed, and its length. */
export function frameMessage(message: Uint8Array): Uint8Array {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  if (prefix.length + message.length > MOST_BYTES)
    throw new RangeError('The message is too large for this client.');
  return Buffer.concat([prefix, message]);
}

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** HPACK without compression (RFC 7541, 6.2.2): a literal name and value. */
function headerBlock(headers: Readonly<Record<string, string>>): Buffer {
  const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value, 'latin1')]);
  return Buffer.concat(
    Object.entries(headers).flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]),
  );
}

export function createGrpcConnection({ host, hostname, port, pathname }: URL): KeepAliveConnection {
  const headers = headerBlock({
    ':method': 'POST',
    ':scheme': 'http',
    ':path': pathname,
    ':authority': host,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  let socket: Socket | undefined;
  let nextStream = 1;
  let received: Buffer = Buffer.alloc(0);
  let call:
    | { started: number; hasMessage: boolean; resolve(answer: Answer): void; reject(error: Error): void }
    | undefined;

  function open(): Socket {
    const opened = connect({ host: hostname, port: Number(port), noDelay: true });
    const lost = (reason: string): void => {
      opened.destroy();
      if (socket !== opened) return;
      socket = undefined;
      const broken = call;
      call = undefined;
      broken?.reject(new Error(reason));
    };
    opened.setTimeout(TIMEOUT_MS, () => lost(`no answer within ${TIMEOUT_MS / 1000} s`));
    opened.on('error', ({ message }) => lost(message));
    opened.on('close', () => lost('the connection was closed'));
    opened.on('data', (chunk) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      takeFrames(opened);
    });
    const window = Buffer.alloc(4);
    window.writeUInt32BE(LARGEST_WINDOW - 65_535);
    opened.write(
      Buffer.concat([PREFACE, frame(SETTINGS, 0, 0, Buffer.alloc(0)), frame(WINDOW_UPDATE, 0, 0, window)]),
    );
    nextStream = 1;
    received = Buffer.alloc(0);
    return opened;
  }

  function takeFrames(from: Socket): void {
    while (received.length >= HEAD_BYTES) {
      const end = HEAD_BYTES + received.readUIntBE(0, 3);
      if (received.length < end) return;
      const [type, flags = 0] = received.subarray(3, 5);
      const payload = received.subarray(HEAD_BYTES, end);
      received = received.subarray(end);
      if (type === SETTINGS && (flags & ACK) === 0) from.write(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
      if (type === PING && (flags & ACK) === 0) from.write(frame(PING, ACK, 0, payload));
      if (type === GOAWAY) from.end();
      if (!call) continue;
      if (type === DATA && payload.length > 0) call.hasMessage = true;
      if (type === HEADERS && flags & END_STREAM) answer(call);
    }
  }

  function answer({ hasMessage, started, resolve }: NonNullable<typeof call>): void {
    call = undefined;
    resolve({ status: hasMessage ? 200 : 500, head: '', body: '', seconds: monotonicSeconds() - started });
  }

  return {
    exchange: (message) =>
      new Promise((resolve, reject) => {
        call = { started: monotonicSeconds(), hasMessage: false, resolve, reject };
        socket ??= open();
        const frames = [frame(HEADERS, END_HEADERS, nextStream, headers)];
        for (let at = 0; at < message.length; at += LARGEST_FRAME) {
          const part = message.subarray(at, at + LARGEST_FRAME);
          frames.push(frame(DATA, at + part.length === message.length ? END_STREAM : 0, nextStream, part));
        }
        nextStream += 2;
        socket.write(Buffer.concat(frames));
      }),
    close: () => socket?.destroy(),
  };
}
