// From the bytes of an encoded image to a model's pixels: the only place that touches untrusted images.
// read-header.ts looks before anything is decoded, then fast-path.ts or sharp-path.ts runs.

import type { ModelInput } from '../format/manifest.js';
import { Failure } from '../foundation/errors.js';
import { decodeFast, suitsFastPath } from './fast-path.js';
import type { ImageFormat, ImageHeader } from './image-header.js';
import { mendJpeg } from './jpeg/mend.js';
import { hasMoreScans } from './jpeg/scans.js';
import { createMemoryBudget, type Dropped } from './memory-budget.js';
import { withoutText } from './png-header.js';
import { formatOf, nameForeignFormat, readHeader } from './read-header.js';
import { createSharpDecode, mayBeEnlarged } from './sharp-path.js';
import { firstFrameOnly } from './webp-header.js';

/** What JPEG can hold, and WebP never reaches; resampling a longer PNG would take seconds for a few thousand bytes. */
const MAX_SIDE_PIXELS = 65_535;
/**
 * Every scan of a progressive JPEG goes over all pixels, and an empty one takes seventy bytes. Encoders write about ten;
 * one for every bit of every coefficient of three components would be some hundreds, which nobody writes.
 */
const MAX_JPEG_SCANS = 100;
/** Of all scans together: a hundred over an image of 16.8 million pixels, sixteen over one of a hundred million. */
const MAX_SCANNED_PIXELS = 100 * 2 ** 24;
const MIB = 2 ** 20;

export type MediaType = `image/${ImageFormat}`;

export interface Decoder {
  /**
   * Decodes one PNG, JPEG or WebP image. Of an animation the first frame counts (of an animated PNG its default
   * image). An image of another size is resized by `input.resize`.
   *
   * Small plain images come back at once; others as a promise, decoded on another thread. A refused image throws
   * or rejects accordingly, so call it with `await` or check for a promise within one `try`.
   *
   * @param image the encoded bytes; must not change until the promise settles
   * @param mediaType what the sender says it is; undefined takes any of the three
   * @param dropped why an image that has waited for memory need not be decoded any more, if it need not
   * @returns uint8 [input.height, input.width, input.channels], row by row, channels last, not yet scaled or
   *   normalised, in memory of its own
   * @throws Failure `undecodable-image`: empty, of another format than the three or than `mediaType`, without
   *   pixels, truncated, corrupt, or a JPEG of a kind that nobody sends or of too many scans. Damage that leaves a
   *   JPEG's structure whole may decode to damaged pixels.
   * @throws Failure `image-too-large`: the header announces more pixels than the limit, a side beyond 65,535, or an
   *   image that takes more memory to decode than there is for all of them; nothing was decoded
   */
  decode(
    image: Uint8Array,
    mediaType: MediaType | undefined,
    input: ModelInput,
    dropped?: Dropped,
  ): Uint8Array | Promise<Uint8Array>;
}

export interface DecoderLimits {
  readonly maxImagePixels: number;
  /** Of all images that are being decoded at a time, together. */
  readonly maxImageMemoryBytes: number;
}

/** Creates the decoder. It also sets up sharp for the whole process, see `createSharpDecode`. */
export function createDecoder(limits: DecoderLimits): Decoder {
  const decodeWithSharp = createSharpDecode(limits.maxImagePixels);
  const memory = createMemoryBudget(limits.maxImageMemoryBytes);

  /** A JPEG that is refused is mended and tried again: most need no mending, and finding out takes time. */
  async function decodeThoroughly(
    format: ImageFormat,
    image: Buffer,
    header: ImageHeader,
    input: ModelInput,
  ) {
    try {
      return await decodeWithSharp(pixelsAlone[format](image), header, input);
    } catch (failure) {
      const mended = format === 'jpeg' ? mendJpeg(image) : image;
      if (mended === image) throw failure;
      return await decodeWithSharp(mended, header, input);
    }
  }

  return {
    decode(bytes, mediaType, input, dropped) {
      const image = Buffer.isBuffer(bytes)
        ? bytes
        : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const format = acceptedFormat(image, mediaType);
      const header = readHeader(format, image);
      if (header === undefined) {
        throw undecodable(`The ${formatNames[format]} image's header is truncated or malformed.`);
      }
      refuseKind(header);
      refuseSize(header, limits.maxImagePixels);
      if (format === 'jpeg') refuseScans(image, header);
      const pixels = suitsFastPath(header, image.length, input) ? decodeFast(image, input) : undefined;
      if (pixels !== undefined) return pixels;
      const takesBytes = decodingBytes(header, input);
      refuseMemory(header, takesBytes, limits.maxImageMemoryBytes);
      return memory.run(takesBytes, () => decodeThoroughly(format, image, header, input), dropped);
    },
  };
}

/** Leaves out what has no say in the pixels, but may cost far more than they do. */
const pixelsAlone: Readonly<Record<ImageFormat, (image: Buffer) => Buffer>> = {
  png: withoutText,
  jpeg: (image) => image,
  webp: firstFrameOnly,
};

const formatNames: Readonly<Record<ImageFormat, string>> = { png: 'PNG', jpeg: 'JPEG', webp: 'WebP' };

function acceptedFormat(image: Buffer, mediaType: MediaType | undefined): ImageFormat {
  if (image.length === 0) throw undecodable('The image is empty: no bytes arrived.');
  const format = formatOf(image);
  if (format === undefined) {
    const name = nameForeignFormat(image) ?? 'no image of a known format';
    throw undecodable(`The bytes are ${name}; send a PNG, JPEG or WebP image.`);
  }
  if (mediaType !== undefined && mediaType !== `image/${format}`) {
    throw undecodable(`The image is declared as ${mediaType} but is a ${formatNames[format]} image.`);
  }
  return format;
}

function refuseKind({ unreadable }: ImageHeader): void {
  if (unreadable === undefined) return;
  throw undecodable(
    `The JPEG image is ${unreadable}, which is not read here; send a baseline or progressive JPEG of 8 bits, or a PNG.`,
  );
}

function refuseSize({ width, height }: ImageHeader, maxImagePixels: number): void {
  if (width === 0 || height === 0) {
    throw undecodable(`The image has no pixels: its header says ${width} × ${height}.`);
  }
  if (width * height > maxImagePixels) {
    throw new Failure(
      'image-too-large',
      `The image is ${width} × ${height} pixels; at most ${maxImagePixels} pixels are accepted.`,
    );
  }
  if (width > MAX_SIDE_PIXELS || height > MAX_SIDE_PIXELS) {
    throw new Failure(
      'image-too-large',
      `The image is ${width} × ${height} pixels; a side of at most ${MAX_SIDE_PIXELS} pixels is accepted.`,
    );
  }
}

function refuseScans(jpeg: Buffer, { width, height }: ImageHeader): void {
  const most = Math.max(1, Math.min(MAX_JPEG_SCANS, Math.floor(MAX_SCANNED_PIXELS / (width * height))));
  if (hasMoreScans(jpeg, most)) {
    throw undecodable(
      `The JPEG image has more than ${most} scans, the most that are accepted of ${width} × ${height} pixels.`,
    );
  }
}

/** What sharp takes at most; an image that may be enlarged is held whole on the way. */
function decodingBytes(header: ImageHeader, input: ModelInput): number {
  return header.decodingBytes + (mayBeEnlarged(header, input) ? header.width * header.height * 4 : 0);
}

function refuseMemory({ width, height }: ImageHeader, bytes: number, mostBytes: number): void {
  if (bytes <= mostBytes) return;
  throw new Failure(
    'image-too-large',
    `Decoding this image of ${width} × ${height} pixels would take up to ${Math.ceil(bytes / MIB)} MiB of memory; ` +
      `at most ${Math.floor(mostBytes / MIB)} MiB are accepted. Send it smaller; a JPEG that is not progressive, ` +
      'or a PNG that is not interlaced, takes far less.',
  );
}

function undecodable(detail: string): Failure {
  return new Failure('undecodable-image', detail);
}
