// From the bytes of an encoded image to a model's pixels: the only place that touches untrusted images.
// decode/image-header.ts looks before anything is decoded, then decode/fast-path.ts or decode/sharp-path.ts runs.

import type { ModelInput } from '../format/manifest.js';
import { Failure } from '../foundation/errors.js';
import { decodeFast, suitsFastPath } from './fast-path.js';
import type { ImageFormat, ImageHeader } from './image-header.js';
import { hasMoreScans } from './jpeg-header.js';
import { withoutText } from './png-header.js';
import { formatOf, nameForeignFormat, readHeader } from './read-header.js';
import { createSharpDecode } from './sharp-path.js';
import { firstFrameOnly } from './webp-header.js';

/** What JPEG can hold, and WebP never reaches; resampling a longer PNG would take seconds for a few thousand bytes. */
const MAX_SIDE_PIXELS = 65_535;
/**
 * Every scan of a progressive JPEG goes over all pixels, and an empty one takes seventy bytes. Encoders write about ten;
 * one for every bit of every coefficient of three components would be some hundreds, which nobody writes.
 */
const MAX_JPEG_SCANS = 100;

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
   * @returns uint8 [input.height, input.width, input.channels], row by row, channels last, not yet scaled or
   *   normalised, in memory of its own
   * @throws Failure `undecodable-image`: empty, of another format than the three or than `mediaType`, without
   *   pixels, truncated, corrupt, or a JPEG of more than 100 scans. Damage that leaves a JPEG's structure whole may
   *   decode to damaged pixels.
   * @throws Failure `image-too-large`: the header announces more pixels than the limit, or a side beyond 65,535; none
   *   was decoded
   */
  decode(
    image: Uint8Array,
    mediaType: MediaType | undefined,
    input: ModelInput,
  ): Uint8Array | Promise<Uint8Array>;
}

/** Creates the decoder. It also sets up sharp for the whole process, see `createSharpDecode`. */
export function createDecoder(limits: { readonly maxImagePixels: number }): Decoder {
  const decodeWithSharp = createSharpDecode(limits.maxImagePixels);

  return {
    decode(bytes, mediaType, input) {
      const image = Buffer.isBuffer(bytes)
        ? bytes
        : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const format = acceptedFormat(image, mediaType);
      const header = readHeader(format, image);
      if (header === undefined) {
        throw undecodable(`The ${formatNames[format]} image's header is truncated or malformed.`);
      }
      refuseSize(header, limits.maxImagePixels);
      if (format === 'jpeg') refuseScans(image);
      const pixels = suitsFastPath(header, image.length, input) ? decodeFast(image, input) : undefined;
      return pixels ?? decodeWithSharp(pixelsAlone[format](image), input);
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

function refuseScans(jpeg: Buffer): void {
  if (hasMoreScans(jpeg, MAX_JPEG_SCANS)) {
    throw undecodable(`The JPEG image has more than ${MAX_JPEG_SCANS} scans.`);
  }
}

function undecodable(detail: string): Failure {
  return new Failure('undecodable-image', detail);
}
