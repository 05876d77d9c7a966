// A connection of HTTP/2 with calls of gRPC, several at once, for the load client: like keep-alive-connection.ts, it uses
// as little CPU time as it can. It decodes no headers: an answer with a message is one, an answer without is a refusal.
import { connect, type Socket } from 'node:net';
import { monotonicSeconds } from '../../src/foundation/clock.js';
import type { Answer, KeepAliveConnection } from './keep-alive-connection.js';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const HEAD_BYTES = 9;
const [DATA, HEADERS, SETTINGS, PING, GOAWAY, WINDOW_UPDATE] = [0, 1, 4, 6, 7, 8];
const [END_STREAM, END_HEADERS, ACK] = [1, 4, 1];
const LARGEST_WINDOW = 2 ** 31 - 1;
/** Of a connection and of each call, until the server says otherwise. */
const FIRST_WINDOW = 65_535;
const LARGEST_FRAME = 16_384;
const TIMEOUT_MS = 30_000;

/** A message behind its prefix: not compressed, and its length. */
export function frameMessage(message: Uint8Array): Uint8Array {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  if (prefix.length + message.length > FIRST_WINDOW)
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

interface Call {
  readonly started: number;
  hasMessage: boolean;
  resolve(answer: Answer): void;
  reject(error: Error): void;
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
  const calls = new Map<number, Call>();
  /** Bytes that the server takes on this connection. */
  let window = FIRST_WINDOW;
  let waiting: { stream: number; message: Uint8Array }[] = [];

  function open(): Socket {
    const opened = connect({ host: hostname, port: Number(port), noDelay: true });
    const lost = (reason: string): void => {
      opened.destroy();
      if (socket !== opened) return;
      socket = undefined;
      waiting = [];
      const broken = [...calls.values()];
      calls.clear();
      for (const { reject } of broken) reject(new Error(reason));
    };
    opened.setTimeout(TIMEOUT_MS, () => lost(`no answer within ${TIMEOUT_MS / 1000} s`));
    opened.on('error', ({ message }) => lost(message));
    opened.on('close', () => lost('the connection was closed'));
    opened.on('data', (chunk) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      takeFrames(opened);
    });
    const more = Buffer.alloc(4);
    more.writeUInt32BE(LARGEST_WINDOW - FIRST_WINDOW);
    opened.write(
      Buffer.concat([PREFACE, frame(SETTINGS, 0, 0, Buffer.alloc(0)), frame(WINDOW_UPDATE, 0, 0, more)]),
    );
    [nextStream, received, window] = [1, Buffer.alloc(0), FIRST_WINDOW];
    return opened;
  }

  function takeFrames(from: Socket): void {
    while (received.length >= HEAD_BYTES) {
      const end = HEAD_BYTES + received.readUIntBE(0, 3);
      if (received.length < end) return;
      const [type, flags = 0] = received.subarray(3, 5);
      const stream = received.readUInt32BE(5);
      const payload = received.subarray(HEAD_BYTES, end);
      received = received.subarray(end);
      if (type === SETTINGS && (flags & ACK) === 0) from.write(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
      if (type === PING && (flags & ACK) === 0) from.write(frame(PING, ACK, 0, payload));
      if (type === GOAWAY) from.end();
      if (type === WINDOW_UPDATE && stream === 0) window += payload.readUInt32BE(0);
      const call = calls.get(stream);
      if (!call) continue;
      if (type === DATA && payload.length > 0) call.hasMessage = true;
      if (type === HEADERS && flags & END_STREAM) {
        calls.delete(stream);
        const { hasMessage, started, resolve } = call;
        const seconds = monotonicSeconds() - started;
        resolve({ status: hasMessage ? 200 : 500, head: '', body: '', seconds });
      }
    }
    if (waiting.length > 0) send(from);
  }

  /** Sends the messages for which there is room. */
  function send(to: Socket): void {
    const frames: Buffer[] = [];
    for (let next = waiting[0]; next && next.message.length <= window; next = waiting[0]) {
      const { stream, message } = next;
      waiting.shift();
      window -= message.length;
      frames.push(frame(HEADERS, END_HEADERS, stream, headers));
      for (let at = 0; at < message.length; at += LARGEST_FRAME) {
        const part = message.subarray(at, at + LARGEST_FRAME);
        frames.push(frame(DATA, at + part.length === message.length ? END_STREAM : 0, stream, part));
      }
    }
    if (frames.length > 0) to.write(Buffer.concat(frames));
  }

  return {
    exchange: (message) =>
      new Promise((resolve, reject) => {
        socket ??= open();
        calls.set(nextStream, { started: monotonicSeconds(), hasMessage: false, resolve, reject });
        waiting.push({ stream: nextStream, message });
        nextStream += 2;
        send(socket);
      }),
    close: () => socket?.destroy(),
  };
}
