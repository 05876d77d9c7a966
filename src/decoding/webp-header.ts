// Reads a WebP's size, and removes all frames but the first. The fast path takes no WebP.
// Format: RFC 9649 (container, sections 2.3 to 2.7; lossless, section 3.4); the lossy frame header: RFC 6386, 9.1.
import { type ImageHeader, rowBytes } from './image-header.js';
import { leaveOut, type Span } from './leave-out.js';

/** Bytes of the container's header: 'RIFF', size, 'WEBP'. */
const RIFF_BYTES = 12;
/** Bytes of a chunk's name and size. */
const CHUNK_HEAD_BYTES = 8;

/** libwebp holds a lossless image in memory as a whole. Other images take less. */
const BYTES_PER_PIXEL = 4;

/** Bytes up to the end of the image's size, for every kind of frame header but VP8L. */
const HEADER_BYTES = 30;

export function isWebp(image: Buffer): boolean {
  return (
    image.length >= 12 &&
    image.toString('latin1', 0, 4) === 'RIFF' &&
    image.toString('latin1', 8, 12) === 'WEBP'
  );
}

/** @param webp bytes that start with the WebP signature. @returns undefined if the first chunk is malformed */
export function readWebpHeader(webp: Buffer): ImageHeader | undefined {
  const size = readSize(webp);
  if (size === undefined) return undefined;
  const { width, height } = size;
  const decodingBytes = rowBytes(width, BYTES_PER_PIXEL) + width * height * BYTES_PER_PIXEL;
  return { width, height, plain: 'no', decodingBytes };
}

function readSize(webp: Buffer): { width: number; height: number } | undefined {
  // The smallest lossless image is shorter than HEADER_BYTES.
  if (webp.length < 25) return undefined;
  const kind = webp.toString('latin1', 12, 16);
  if (kind === 'VP8L') {
    if (webp[20] !== 0x2f) return undefined;
    const bits = webp.readUInt32LE(21);
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  if (webp.length < HEADER_BYTES) return undefined;
  if (kind === 'VP8X') {
    return { width: webp.readUIntLE(24, 3) + 1, height: webp.readUIntLE(27, 3) + 1 };
  }
  if (kind !== 'VP8 ' || webp.readUIntBE(23, 3) !== 0x9d012a) return undefined;
  return { width: webp.readUInt16LE(26) & 0x3fff, height: webp.readUInt16LE(28) & 0x3fff };
}

/**
 * Removes the later frames of an animation, because libvips would read each of them.
 * @returns a copy with the first frame only; the image itself if it has no later frames
 */
export function firstFrameOnly(webp: Buffer): Buffer {
  const first = leaveOut(webp, laterFrames(webp));
  if (first !== webp) first.writeUInt32LE(first.length - CHUNK_HEAD_BYTES, 4);
  return first;
}

function* laterFrames(webp: Buffer): Generator<Span> {
  let frames = 0;
  let start = RIFF_BYTES;
  while (start + CHUNK_HEAD_BYTES <= webp.length) {
    const payload = webp.readUInt32LE(start + 4);
    const end = start + CHUNK_HEAD_BYTES + payload + (payload % 2);
    if (webp.toString('latin1', start, start + 4) === 'ANMF' && ++frames > 1) yield [start, end];
    start = end;
  }
}
