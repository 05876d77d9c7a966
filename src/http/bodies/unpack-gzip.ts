// Unpacks gzip data within a limit, and within the bytes for all bodies.
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Failure, messageOf } from '../../foundation/errors.js';

const decompress = promisify(gunzip);

/**
 * @param admitMore takes room for the unpacked bytes before they are there
 * @throws Failure `body-too-large`, `invalid-body`; and what `admitMore` throws
 */
export async function unpackGzip(
  compressed: Buffer,
  limit: number,
  admitMore: (bytes: number) => void,
): Promise<Buffer> {
  const announced = announcedSize(compressed);
  const size = Math.min(announced, limit);
  admitMore(size);
  try {
    // 0 would mean no limit.
    return await decompress(compressed, { maxOutputLength: Math.max(size, 1) });
  } catch (error) {
    if (announced > limit && (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new Failure('body-too-large', `The body is larger than ${limit} bytes when it is unpacked.`);
    }
    throw new Failure('invalid-body', `The body is not whole gzip data of one member: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}

/** The length of the data as gzip says at its end (RFC 1952, ISIZE); nothing beyond it is unpacked. */
function announcedSize(compressed: Buffer): number {
  return compressed.length < 4 ? 0 : compressed.readUInt32LE(compressed.length - 4);
}
