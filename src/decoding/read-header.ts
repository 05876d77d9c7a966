// What the first bytes of an image say about it: its format, its size and whether the fast path may decode it.
// Nothing here decodes a pixel. Neighbours: png-header.ts, jpeg/jpeg-header.ts and webp-header.ts, one per format.

import type { ImageFormat, ImageHeader } from './image-header.js';
import { readJpegHeader } from './jpeg/jpeg-header.js';
import { isPng, readPngHeader } from './png-header.js';
import { isWebp, readWebpHeader } from './webp-header.js';

/** The format that the signature announces, or undefined when it is none of the three. */
export function formatOf(image: Buffer): ImageFormat | undefined {
  if (isPng(image)) return 'png';
  if (image[0] === 0xff && image[1] === 0xd8 && image[2] === 0xff) return 'jpeg';
  return isWebp(image) ? 'webp' : undefined;
}

/** Reads the header of an image of this format; undefined when it is truncated or malformed. */
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
  ['a base64 text instead of the bytes it stands for', 0, 'iVBORw0KGgo'],
  ['a base64 text instead of the bytes it stands for', 0, '/9j/'],
  ['a base64 text instead of the bytes it stands for', 0, 'UklGR'],
  ['a data URL instead of the bytes it stands for', 0, 'data:'],
  ['a multipart form instead of the bare bytes', 0, '--'],
];

/** A name for bytes of no accepted format, if they are something that people do send. */
export function nameForeignFormat(image: Buffer): string | undefined {
  const start = image.toString('latin1', 0, 16);
  return foreignSignatures.find(([, offset, signature]) => start.startsWith(signature, offset))?.[0];
}
