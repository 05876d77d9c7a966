// The frame header of a JPEG: its size, its components, and the coding process of the standard.
// Format: ITU-T T.81 annex B, table B.1.
import { type ImageHeader, rowBytes } from '../image-header.js';
import { DHT } from './segments.js';

/** Start of a hierarchical image. */
const DHP = 0xde;
/** Start of frame of JPEG-LS, a standard that uses the same segments. */
const SOF55 = 0xf7;
const LOSSLESS = 0xc3;
const sequential: ReadonlySet<number> = new Set([0xc0, 0xc1, LOSSLESS, 0xc9]);
const progressive: ReadonlySet<number> = new Set([0xc2, 0xca]);
/** Baseline, extended sequential and progressive, all Huffman coded. Every decoder reads them. */
const common: ReadonlySet<number> = new Set([0xc0, 0xc1, 0xc2]);

/** The kinds that libjpeg does not read, and their names. */
const unreadable: ReadonlyMap<number, string> = new Map([
  [DHP, 'hierarchical (DHP)'],
  [0xc5, 'hierarchical (SOF5)'],
  [0xc6, 'hierarchical (SOF6)'],
  [0xc7, 'hierarchical (SOF7)'],
  [0xcb, 'lossless and arithmetic coded (SOF11)'],
  [0xcd, 'hierarchical (SOF13)'],
  [0xce, 'hierarchical (SOF14)'],
  [0xcf, 'hierarchical (SOF15)'],
  [SOF55, 'JPEG-LS (SOF55)'],
]);

/** Whether a segment with this marker is a frame header. */
export function isFrame(marker: number): boolean {
  // SOF0 to SOF15; three markers in this range (DHT, JPG and DAC) are not frame headers.
  if (marker >= 0xc0 && marker <= 0xcf) return marker !== DHT && marker !== 0xc8 && marker !== 0xcc;
  return marker === DHP || marker === SOF55;
}

/** Whether each scan of the frame has all DCT coefficients of its components. */
export function isSequential(marker: number): boolean {
  return sequential.has(marker) && marker !== LOSSLESS;
}

export interface Frame extends ImageHeader {
  readonly marker: number;
  readonly components: number;
  /** Bytes of all coefficients. libjpeg holds them in memory if they arrive in more than one scan. */
  readonly coefficientBytes: number;
}

/**
 * Reads the body of a frame header.
 *
 * @param body precision, height (2 bytes), width (2 bytes), number of components, then three bytes per component: its
 *   name, sampling factors and quantisation table
 * @returns undefined if the length of the body does not match the number of components
 */
export function readFrame(marker: number, body: Buffer): Frame | undefined {
  if (body.length < 6) return undefined;
  const components = body.readUInt8(5);
  if (body.length !== 6 + 3 * components) return undefined;
  const precision = body.readUInt8(0);
  const height = body.readUInt16BE(1);
  const width = body.readUInt16BE(3);
  const coefficientBytes = coefficientBytesOf(body, width, height);
  const rows = rowBytes(width, components);
  return {
    marker,
    components,
    coefficientBytes,
    width,
    height,
    plain: precision === 8 && common.has(marker) ? plainness(body, components, width) : 'no',
    decodingBytes: progressive.has(marker) ? rows + coefficientBytes : rows,
    unreadable:
      unreadable.get(marker) ?? (precision === 8 ? undefined : `coded with ${precision} bits per sample`),
    // To reduce an image, libvips lets libjpeg leave out DCT coefficients. A lossless image has none.
    loadWhole: marker === LOSSLESS,
  };
}

/** Two bytes for each of the 64 coefficients of every block. The number of blocks is rounded up to whole MCUs. */
function coefficientBytesOf(body: Buffer, width: number, height: number): number {
  const factors = Array.from({ length: body.readUInt8(5) }, (_, index) => body.readUInt8(7 + 3 * index));
  const across = Math.max(1, ...factors.map((factor) => factor >> 4));
  const down = Math.max(1, ...factors.map((factor) => factor & 15));
  const units = Math.ceil(width / (8 * across)) * Math.ceil(height / (8 * down));
  return factors.reduce((sum, factor) => sum + units * (factor >> 4) * (factor & 15) * 64 * 2, 0);
}

function plainness(body: Buffer, components: number, width: number): ImageHeader['plain'] {
  if (components === 1) return 'yes';
  // Without an Adobe segment, sharp reads components named R, G and B as RGB; other decoders read them as YCbCr.
  if (components !== 3 || body.toString('latin1', 6, 7) === 'R') return 'no';
  const [y, cb, cr] = [body[7], body[10], body[13]];
  if (cb !== 0x11 || cr !== 0x11) return 'no';
  if (y === 0x11) return 'yes';
  if (y !== 0x21 && y !== 0x22) return 'no';
  // Subsampled chroma: the decoders differ in the last columns if the width is no multiple of 16.
  return width % 16 === 0 ? 'yes' : 'in-grey';
}
