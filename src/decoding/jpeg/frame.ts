// The frame header of a JPEG: its size, its components, by which of the standard's processes it is coded.
// Format: ITU-T T.81 annex B, table B.1.
import { type ImageHeader, rowBytes } from '../image-header.js';
import { DHT } from './segments.js';

/** Start of a hierarchical image; and JPEG-LS, another standard in the same clothes. */
const DHP = 0xde;
const SOF55 = 0xf7;
const LOSSLESS = 0xc3;
const sequential: ReadonlySet<number> = new Set([0xc0, 0xc1, LOSSLESS, 0xc9]);
const progressive: ReadonlySet<number> = new Set([0xc2, 0xca]);
/** Baseline, extended sequential and progressive, all Huffman coded: what any decoder reads. */
const common: ReadonlySet<number> = new Set([0xc0, 0xc1, 0xc2]);

/** What libjpeg does not read, by name. */
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

/** Whether a segment with this marker begins an image of coded pixels. */
export function isFrame(marker: number): boolean {
  // SOF0 to SOF15, without the three between them that are something else.
  if (marker >= 0xc0 && marker <= 0xcf) return marker !== DHT && marker !== 0xc8 && marker !== 0xcc;
  return marker === DHP || marker === SOF55;
}

/** Whether each of its scans has all coefficients of its components, coded by discrete cosines. */
export function isSequential(marker: number): boolean {
  return sequential.has(marker) && marker !== LOSSLESS;
}

export interface Frame extends ImageHeader {
  readonly marker: number;
  readonly components: number;
  /** Bytes of all coefficients, which are held whole where more than one scan brings them. */
  readonly coefficientBytes: number;
}

/**
 * Reads the body of a frame header; undefined when it is not as it must be.
 *
 * @param body precision, height (2 bytes), width (2 bytes), components, then three bytes per component: its name, its
 *   sampling factors, its quantisation table
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
    unreadable: unreadable.get(marker) ?? (precision === 8 ? undefined : `of ${precision} bits a sample`),
    // libvips asks libjpeg for a smaller image, which shrinks in the space of cosines, and a lossless one has none.
    loadWhole: marker === LOSSLESS,
  };
}

/** Two bytes for each of the 64 coefficients of every block, in whole units of interleaved blocks. */
function coefficientBytesOf(body: Buffer, width: number, height: number): number {
  const factors = Array.from({ length: body.readUInt8(5) }, (_, index) => body.readUInt8(7 + 3 * index));
  const across = Math.max(1, ...factors.map((factor) => factor >> 4));
  const down = Math.max(1, ...factors.map((factor) => factor & 15));
  const units = Math.ceil(width / (8 * across)) * Math.ceil(height / (8 * down));
  return factors.reduce((sum, factor) => sum + units * (factor >> 4) * (factor & 15) * 64 * 2, 0);
}

function plainness(body: Buffer, components: number, width: number): ImageHeader['plain'] {
  if (components === 1) return 'yes';
  // Without a marker that says so, components named R, G and B are RGB to sharp and YCbCr to others.
  if (components !== 3 || body.toString('latin1', 6, 7) === 'R') return 'no';
  const [y, cb, cr] = [body[7], body[10], body[13]];
  if (cb !== 0x11 || cr !== 0x11) return 'no';
  if (y === 0x11) return 'yes';
  if (y !== 0x21 && y !== 0x22) return 'no';
  // Halved chroma: the two decoders disagree in the last columns when the image cuts a block of 16 in two.
  return width % 16 === 0 ? 'yes' : 'in-grey';
}
