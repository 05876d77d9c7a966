// Receives the one message of a call. Its length stands before it, so its memory is admitted before it is taken; what a
// client sends until then, HTTP/2's flow control limits.
import type { ServerHttp2Stream } from 'node:http2';
import { Failure } from '../../foundation/errors.js';
import type { ClientSignal } from '../../workers/request.js';
import { unpackGzip } from '../bodies/unpack-gzip.js';

/** In front of the message: whether it is compressed (1 byte), and its length (4 bytes, big-endian). */
export const PREFIX_BYTES = 5;

export interface MessageLimits {
  readonly maxBytes: number;
  /** Takes room for bytes that will be in memory. @throws Failure `saturated` */
  readonly admit: (bytes: number) => void;
}

/**
 * @param signal aborted when the call has ended
 * @throws Failure `invalid-body`, `body-too-large`, `saturated`, `unsupported-media-type`, `client-gone`
 */
export async function receiveMessage(
  stream: ServerHttp2Stream,
  encoding: string | string[] | undefined,
  limits: MessageLimits,
  signal: ClientSignal,
): Promise<Uint8Array> {
  const { isCompressed, bytes } = await collect(stream, limits, signal);
  if (!isCompressed) return bytes;
  if (encoding === 'gzip') return unpackGzip(bytes, limits.maxBytes, limits.admit);
  throw new Failure(
    'unsupported-media-type',
    `A message is taken with grpc-encoding gzip or uncompressed, not ${JSON.stringify(String(encoding ?? 'identity'))}.`,
  );
}

interface Received {
  readonly isCompressed: boolean;
  readonly bytes: Buffer;
}

function collect(
  stream: ServerHttp2Stream,
  { maxBytes, admit }: MessageLimits,
  signal: ClientSignal,
): Promise<Received> {
  return new Promise((resolve, reject) => {
    let prefix: Buffer = Buffer.alloc(0);
    /** Undefined until its length is known. */
    let message: Buffer | undefined;
    let length = 0;
    let received = 0;
    stream.on('data', take).on('end', end);
    signal.addEventListener('abort', ended);

    function take(piece: Buffer): void {
      try {
        if (received < PREFIX_BYTES)
          prefix = Buffer.concat([prefix, piece.subarray(0, PREFIX_BYTES - received)]);
        const from = Math.max(0, PREFIX_BYTES - received);
        const at = Math.max(0, received - PREFIX_BYTES);
        received += piece.length;
        if (received < PREFIX_BYTES) return;
        if (message === undefined) open();
        if (received > PREFIX_BYTES + length) throw invalid('More than one message arrived; a call has one.');
        // Usually the whole message is in one piece.
        if (at === 0 && piece.length - from === length) message = piece.subarray(from);
        else piece.copy(message as Buffer, at, from);
      } catch (error) {
        finish();
        reject(error);
      }
    }

    function open(): void {
      length = prefix.readUInt32BE(1);
      const [flag = 0] = prefix;
      if (flag > 1)
        throw invalid(`A message begins with a byte 0 or 1, whether it is compressed, not ${flag}.`);
      if (length > maxBytes) {
        throw new Failure(
          'body-too-large',
          `The message has ${length} bytes; at most ${maxBytes} are taken.`,
        );
      }
      admit(length);
      message = Buffer.allocUnsafe(length);
    }

    function end(): void {
      finish();
      if (message === undefined || received < PREFIX_BYTES + length) {
        reject(invalid(`The call ended after ${received} bytes, before the end of its message.`));
      } else resolve({ isCompressed: prefix[0] === 1, bytes: message });
    }

    function ended(): void {
      finish();
      reject(new Failure('client-gone', 'The call ended before its message had arrived.'));
    }

    function finish(): void {
      stream.off('data', take).off('end', end);
    }
  });
}

function invalid(detail: string): Failure {
  return new Failure('invalid-body', detail);
}
