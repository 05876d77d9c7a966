// Reads a PNG's size, decides from its chunks whether the fast path may decode it, and removes its text chunks.
// Format: Portable Network Graphics, third edition (W3C, 2025), sections 5 and 11.
import { type ImageHeader, rowBytes } from './image-header.js';
import { leaveOut, type Span } from './leave-out.js';

const IDAT = chunkType('IDAT');
const IEND = chunkType('IEND');
const IHDR = chunkType('IHDR');
const TRNS = chunkType('tRNS');

/**
 * Chunks that do not change the pixels, for sharp neither. Absent on purpose: iCCP and cICP (colour management), eXIf
 * (orientation), acTL (animation), and compressed text, which takes time.
 */
const plainChunks: ReadonlySet<number> = new Set([
  IDAT,
  ...['PLTE', 'tRNS', 'gAMA', 'cHRM', 'sRGB', 'sBIT', 'bKGD', 'hIST', 'pHYs', 'tIME', 'tEXt'].map(chunkType),
]);

/** They do not change the pixels, and a few hundred bytes of them may inflate to many megabytes. */
const textChunks: ReadonlySet<number> = new Set(['tEXt', 'zTXt', 'iTXt'].map(chunkType));

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
const FIRST_CHUNK = SIGNATURE.length;
const IHDR_BYTES = 13;
/** The largest number of channels by colour type, including the alpha that a tRNS chunk may add. */
const mostChannels: ReadonlyMap<number, number> = new Map([
  [0, 2],
  [2, 4],
  [3, 4],
  [4, 2],
  [6, 4],
]);
/** Bytes of a chunk's length, type and checksum. */
const CHUNK_FRAME_BYTES = 12;

export function isPng(image: Buffer): boolean {
  return (
    image.length >= SIGNATURE.length && image.compare(SIGNATURE, 0, undefined, 0, SIGNATURE.length) === 0
  );
}

/** @param png bytes that start with the PNG signature. @returns undefined if IHDR is incomplete or not first */
export function readPngHeader(png: Buffer): ImageHeader | undefined {
  const second = FIRST_CHUNK + CHUNK_FRAME_BYTES + IHDR_BYTES;
  if (png.length < second) return undefined;
  if (png.readUInt32BE(FIRST_CHUNK) !== IHDR_BYTES || png.readUInt32BE(FIRST_CHUNK + 4) !== IHDR) {
    return undefined;
  }
  const width = png.readUInt32BE(16);
  const height = png.readUInt32BE(20);
  const bitDepth = png.readUInt8(24);
  const bytesPerPixel = (mostChannels.get(png.readUInt8(25)) ?? 4) * (bitDepth === 16 ? 2 : 1);
  const isPalette = png.readUInt8(25) === 3;
  const isInterlaced = png.readUInt8(28) !== 0;
  return {
    width,
    height,
    plain: bitDepth <= 8 && hasOnlyPlainChunks(png, second, bitDepth < 8 && !isPalette) ? 'yes' : 'no',
    decodingBytes: rowBytes(width, bytesPerPixel) + (isInterlaced ? width * height * bytesPerPixel : 0),
  };
}

/**
 * @param isFewGreys grey with less than 8 bits per pixel. A tRNS chunk may then hold a value of more bits, which
 *   decoders read differently.
 */
function hasOnlyPlainChunks(png: Buffer, start: number, isFewGreys: boolean): boolean {
  for (const { type } of chunks(png, start)) {
    if (type === IEND) return true;
    if (type === TRNS && isFewGreys) return false;
    if (!plainChunks.has(type)) return false;
  }
  return false;
}

/** @returns a copy of the PNG without its text chunks; the PNG itself if it has none */
export function withoutText(png: Buffer): Buffer {
  return leaveOut(png, textSpans(png));
}

function* textSpans(png: Buffer): Generator<Span> {
  for (const { type, start, end } of chunks(png, FIRST_CHUNK)) {
    if (textChunks.has(type)) yield [start, end];
  }
}

/** The chunks from `offset` on. The last one may announce more bytes than the image has. */
function* chunks(png: Buffer, offset: number): Generator<{ type: number; start: number; end: number }> {
  let start = offset;
  while (start + CHUNK_FRAME_BYTES <= png.length) {
    const end = start + CHUNK_FRAME_BYTES + png.readUInt32BE(start);
    yield { type: png.readUInt32BE(start + 4), start, end };
    start = end;
  }
}

function chunkType(name: string): number {
  return Buffer.from(name, 'latin1').readUInt32BE(0);
}
