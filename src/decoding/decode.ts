// Decodes an image to a model's pixels. No other folder parses untrusted image bytes.
// read-header.ts reads the header first; then fast-path.ts or sharp-path.ts decodes the image.

import type { ModelInput } from '../format/manifest.js';
import { Failure } from '../foundation/errors.js';
import { decodeFast, suitsFastPath } from './fast-path.js';
import type { ImageFormat, ImageHeader } from './image-header.js';
import { mendJpeg } from './jpeg/mend.js';
import { hasMoreScans } from './jpeg/scans.js';
import type { MediaType } from './media-types.js';
import { createMemoryBudget, type Dropped } from './memory-budget.js';
import { withoutText } from './png-header.js';
import { formatOf, nameForeignFormat, readHeader } from './read-header.js';
import { isResampled, resamplingBytes } from './resize/resample.js';
import { createSharpDecode, mayBeEnlarged } from './sharp-path.js';
import { firstFrameOnly } from './webp-header.js';

/** The limit of JPEG; WebP's is lower. Resampling a longer PNG of a few thousand bytes would take seconds. */
const MAX_SIDE_PIXELS = 65_535;
/**
 * The decoder visits all pixels for every scan of a progressive JPEG, and an empty scan takes only 70 bytes. Encoders
 * write about ten scans. The format allows several hundred, one for every bit of every coefficient.
 */
const MAX_JPEG_SCANS = 100;
/** Limit of scans × pixels: 100 scans of an image of 16.8 million pixels, or 16 of one of 100 million. */
const MAX_SCANNED_PIXELS = 100 * 2 ** 24;
const MIB = 2 ** 20;

export interface Decoder {
  /**
   * Decodes one PNG, JPEG or WebP image. Only the first frame of an animation is decoded (of an animated PNG, its
   * default image). An image of another size than the model's is resized by `input.resize`.
   *
   * Small plain images are decoded at once and returned as pixels. Other images are decoded on another thread and
   * returned as a promise. A refusal may thus throw or reject. Callers use `await`, or check for a promise, within one
   * `try`.
   *
   * @param image the encoded bytes; must not change until the promise settles
   * @param mediaType the format that the sender declares; undefined: any of the three
   * @param dropped called when the image has waited for memory and its turn comes
   * @returns uint8 [input.height, input.width, input.channels], row-major, channels last, not yet scaled or
   *   normalised, in a buffer of its own
   * @throws Failure `undecodable-image`: the image is empty, of an unknown format, of another format than `mediaType`,
   *   without pixels, truncated, corrupt, a JPEG of a kind that is not read, or a JPEG with too many scans. A JPEG
   *   whose coded data is damaged but well formed may decode to damaged pixels.
   * @throws Failure `image-too-large`: the header announces more pixels than the limit, a side longer than 65,535
   *   pixels, or an image that needs more memory than the limit for all images; nothing was decoded
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
  /** Limit of the memory of all images that are being decoded. */
  readonly maxImageMemoryBytes: number;
}

/** Creates the decoder. Changes sharp's settings for the whole process, see `createSharpDecode`. */
export function createDecoder(limits: DecoderLimits): Decoder {
  const decodeWithSharp = createSharpDecode(limits.maxImagePixels);
  const memory = createMemoryBudget(limits.maxImageMemoryBytes);

  /** Repairs a JPEG only after sharp has refused it: looking for defects takes time, and most JPEGs have none. */
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
      const takesBytes = decodingBytes(format, header, input);
      refuseMemory(header, takesBytes, limits.maxImageMemoryBytes);
      return memory.run(takesBytes, () => decodeThoroughly(format, image, header, input), dropped);
    },
  };
}

/** Removes the parts that do not affect the pixels but may cost far more time or memory than the pixels. */
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
    throw undecodable(`The bytes are ${name}. Send a PNG, JPEG or WebP image.`);
  }
  if (mediaType !== undefined && mediaType !== `image/${format}`) {
    throw undecodable(
      `The image is declared as ${mediaType} but is a ${formatNames[format]} image. Declare it as image/${format}.`,
    );
  }
  return format;
}

function refuseKind({ unreadable }: ImageHeader): void {
  if (unreadable === undefined) return;
  throw undecodable(
    `The JPEG image is ${unreadable}, which the server does not read. ` +
      'Send a baseline or progressive JPEG with 8 bits per sample, or a PNG.',
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
      `The image is ${width} × ${height} pixels; each side may have at most ${MAX_SIDE_PIXELS} pixels.`,
    );
  }
}

function refuseScans(jpeg: Buffer, { width, height }: ImageHeader): void {
  const most = Math.max(1, Math.min(MAX_JPEG_SCANS, Math.floor(MAX_SCANNED_PIXELS / (width * height))));
  if (hasMoreScans(jpeg, most)) {
    throw undecodable(
      `The JPEG image has more than ${most} scans, the limit for ${width} × ${height} pixels. ` +
        'Send it with fewer scans, or as a baseline JPEG.',
    );
  }
}

/** Upper bound of the memory for one image. An image that may be enlarged, or that `resize/` resizes, is held as a whole. */
function decodingBytes(format: ImageFormat, header: ImageHeader, input: ModelInput): number {
  if (isResampled(input)) return header.decodingBytes + resamplingBytes(format, header, input);
  return header.decodingBytes + (mayBeEnlarged(header, input) ? header.width * header.height * 4 : 0);
}

function refuseMemory({ width, height }: ImageHeader, bytes: number, mostBytes: number): void {
  if (bytes <= mostBytes) return;
  throw new Failure(
    'image-too-large',
    `Decoding this image of ${width} × ${height} pixels may take ${Math.ceil(bytes / MIB)} MiB of memory; ` +
      `at most ${Math.floor(mostBytes / MIB)} MiB are accepted. Send a smaller image, a JPEG that is not ` +
      'progressive, or a PNG that is not interlaced.',
  );
}

function undecodable(detail: string): Failure {
  return new Failure('undecodable-image', detail);
}
