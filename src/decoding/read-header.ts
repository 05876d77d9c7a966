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
  ['a BigTIFF image', 0, 'II+\0'],
  ['a BigTIFF image', 0, 'MM\0+'],
  ['a BMP image', 0, 'BM'],
  ['a PDF document', 0, '%PDF'],
  ['a JPEG 2000 image', 4, 'jP  \r\n'],
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

/** Brands of ISO media files (ISO/IEC 14496-12) that are images, also of several; the first row that a file is of counts. */
const brands: readonly (readonly [name: string, brands: readonly string[]])[] = [
  ['an AVIF image', ['avif', 'avis']],
  ['a HEIC image', ['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'hevm', 'hevs']],
  ['a HEIF image', ['mif1', 'mif2', 'msf1']],
];
/** More compatible brands are not looked at. */
const MOST_BRAND_BYTES = 128;

/** The name of the format, for bytes that are not accepted but that clients often send. */
export function nameForeignFormat(image: Buffer): string | undefined {
  const start = image.toString('latin1', 0, 16);
  if (start.startsWith('ftyp', 4)) return nameMediaFile(image);
  return foreignSignatures.find(([, offset, signature]) => start.startsWith(signature, offset))?.[0];
}

/** By its first box: length, `ftyp`, major brand, version of that, compatible brands; each has four bytes. */
function nameMediaFile(image: Buffer): string {
  const end = Math.max(12, Math.min(image.readUInt32BE(0), MOST_BRAND_BYTES));
  const fields: readonly string[] = image.toString('latin1', 8, end).match(/.{4}/gs) ?? [];
  const found = brands.find(([, names]) => names.some((name) => fields.includes(name)));
  return found?.[0] ?? 'a video or another ISO media file';
}
