// Receives the messages of a call, each when it is asked for. Its length stands before it, so its memory is admitted
// before it is taken; what a client sends until then, HTTP/2's flow control limits.
import type { ServerHttp2Stream } from 'node:http2';
import { Failure } from '../../foundation/errors.js';
import type { ClientSignal } from '../../workers/request.js';
import { unpackGzip } from '../bodies/unpack-gzip.js';
import { shuttingDown } from '../routes/health.js';

/** In front of a message: whether it is compressed (1 byte), and its length (4 bytes, big-endian). */
export const PREFIX_BYTES = 5;

export interface ReceiverOptions {
  /** Of compressed messages. */
  readonly encoding: string | string[] | undefined;
  readonly maxBytes: number;
  /** Time within which a message must arrive. */
  readonly timeoutSeconds: number;
  /** Takes room for bytes that will be in memory. @returns a function that gives it back. @throws Failure `saturated` */
  readonly admit: (bytes: number) => () => void;
  /** Aborted when the call has ended. */
  readonly signal: ClientSignal;
}

export interface ReceivedMessage {
  readonly bytes: Uint8Array;
  /** Gives the room of the bytes back. */
  leave(): void;
}

export interface Receiver {
  /**
   * The one message of the call. The time for it begins now.
   * @throws Failure `invalid-body`, `body-too-large`, `saturated`, `unsupported-media-type`, `request-timeout`, `client-gone`
   */
  only(): Promise<ReceivedMessage>;
  /**
   * The next message of a stream; undefined: there are no more. The time for it begins with its first byte. After
   * `saturated` the stream goes on behind that message.
   * @throws Failure as `only`; `shutting-down` after `stop`
   */
  next(): Promise<ReceivedMessage | undefined>;
  /** Receives nothing more: the server closes. */
  stop(): void;
}

const EMPTY = Buffer.alloc(0);

export function createReceiver(stream: ServerHttp2Stream, options: ReceiverOptions): Receiver {
  const { encoding, maxBytes, timeoutSeconds, admit, signal } = options;
  /** Arrived, behind what has been read. */
  let rest: Buffer = EMPTY;
  /** Bytes still to come of a message for which there was no room. */
  let toSkip = 0;
  /** Bytes of the present message, with its prefix. */
  let received = 0;
  let isLate = false;
  let isStopped = false;
  let wake = (): void => {};
  const onReadable = (): void => wake();
  stream.on('readable', onReadable).on('end', onReadable);
  signal.addEventListener('abort', onReadable);

  /** undefined: there are no more. */
  async function nextPiece(): Promise<Buffer | undefined> {
    for (;;) {
      if (signal.aborted) throw new Failure('client-gone', 'The call ended before its message had arrived.');
      if (isLate) throw new Failure('request-timeout', 'The message of the call did not arrive in time.');
      if (isStopped) throw shuttingDown();
      const piece = stream.read() as Buffer | null;
      if (piece) return piece;
      if (stream.readableEnded) return undefined;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }

  /** Whether something is there to be read, when it is there. */
  async function hasMore(): Promise<boolean> {
    if (rest.length === 0) rest = (await nextPiece()) ?? EMPTY;
    return rest.length > 0;
  }

  /** Usually all of it is in one piece, and not copied. */
  async function read(count: number): Promise<Buffer> {
    let bytes = EMPTY;
    for (let at = 0; at < count; ) {
      if (!(await hasMore())) {
        throw invalid(`The call ended after ${received} bytes, before the end of its message.`);
      }
      const part = rest.subarray(0, count - at);
      rest = rest.subarray(part.length);
      received += part.length;
      if (part.length === count) return part;
      if (at === 0) bytes = Buffer.allocUnsafe(count);
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  async function readMessage(leaves: (() => void)[]): Promise<Uint8Array> {
    received = 0;
    const prefix = await read(PREFIX_BYTES);
    const [flag = 0] = prefix;
    const length = prefix.readUInt32BE(1);
    if (flag > 1)
      throw invalid(`A message begins with a byte 0 or 1, whether it is compressed, not ${flag}.`);
    if (length > maxBytes) {
      throw new Failure('body-too-large', `The message has ${length} bytes; at most ${maxBytes} are taken.`);
    }
    toSkip = length;
    leaves.push(admit(length));
    toSkip = 0;
    const bytes = await read(length);
    if (flag === 0) return bytes;
    if (encoding === 'gzip') return unpackGzip(bytes, maxBytes, (more) => leaves.push(admit(more)));
    throw new Failure(
      'unsupported-media-type',
      `A message is taken with grpc-encoding gzip or uncompressed, not ${JSON.stringify(String(encoding ?? 'identity'))}.`,
    );
  }

  async function receive(isWhole: () => Promise<void>): Promise<ReceivedMessage> {
    const leaves: (() => void)[] = [];
    const leave = (): void => {
      for (const one of leaves.splice(0)) one();
    };
    const timer = setTimeout(() => {
      isLate = true;
      wake();
    }, timeoutSeconds * 1000);
    try {
      const bytes = await readMessage(leaves);
      await isWhole();
      return { bytes, leave };
    } catch (error) {
      leave();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    only: () =>
      receive(async () => {
        if (await hasMore()) throw invalid('More than one message arrived; a call has one.');
      }),
    async next() {
      while (await hasMore()) {
        if (toSkip === 0) return receive(async () => {});
        const skipped = Math.min(toSkip, rest.length);
        toSkip -= skipped;
        rest = rest.subarray(skipped);
      }
      return undefined;
    },
    stop() {
      isStopped = true;
      wake();
    },
  };
}

function invalid(detail: string): Failure {
  return new Failure('invalid-body', detail);
}
