// Reads an image's format and header, without decoding pixels.
// Related files, one per format: png-header.ts, jpeg/jpeg-header.ts and webp-header.ts.

import type { ImageFormat, ImageHeader } from './image-header.js';
import { readJpegHeader } from './jpeg/jpeg-header.js';
import { isPng, readPngHeader } from './png-header.js';
import { isWebp, readWebpHeader } from './webp-header.js';

/** The format by the image's signature; undefined if it is none of the three. */
export function formatOf(image: Buffer): ImageFormat | undefined {
  if (isPng(image)) return 'png';
  if (image[0] === 0xff && image[1] === 0xd8 && image[2] === 0xff) return 'jpeg';
  return isWebp(image) ? 'webp' : undefined;
}

/** @returns undefined if the header is truncated or malformed */
export function readHeader(format: ImageFormat, image: Buffer): ImageHeader | undefined {
  switch (format) {
    case 'png':
      return readPngHeader(image);
    case 'jpeg':
      return readJpegHeader(image);
    case 'webp':
      return readWebpHeader(image);
  }
}

const foreignSignatures: readonly (readonly [name: string, offset: number, signature: string])[] = [
  ['a GIF image', 0, 'GIF8'],
  ['a TIFF image', 0, 'II*\0'],
  ['a TIFF image', 0, 'MM\0*'],
  ['a BMP image', 0, 'BM'],
  ['a PDF document', 0, '%PDF'],
  ['an AVIF image', 4, 'ftypavif'],
  ['a HEIC image', 4, 'ftyphei'],
  ['a HEIC image', 4, 'ftypmif1'],
  ['a JPEG XL image', 0, '\xff\x0a'],
  ['a JPEG XL image', 4, 'JXL \r\n'],
  ['an SVG image', 0, '<svg'],
  ['an XML or HTML document', 0, '<'],
  ['JSON', 0, '{'],
  ['base64 text instead of the decoded bytes', 0, 'iVBORw0KGgo'],
  ['base64 text instead of the decoded bytes', 0, '/9j/'],
  ['base64 text instead of the decoded bytes', 0, 'UklGR'],
  ['a data URL instead of the decoded bytes', 0, 'data:'],
  ['a multipart form instead of the bytes of the image alone', 0, '--'],
];

/** The name of the format, for bytes that are not accepted but that clients often send. */
export function nameForeignFormat(image: Buffer): string | undefined {
  const start = image.toString('latin1', 0, 16);
  return foreignSignatures.find(([, offset, signature]) => start.startsWith(signature, offset))?.[0];
}
