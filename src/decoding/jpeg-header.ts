// Reads a JPEG's size, whether it has too many scans, and from the segments before the first whether the fast path may decode it.
// Format: ITU-T T.81 annex B; JFIF and Adobe markers: T.871 and T.872.
import type { ImageHeader } from './image-header.js';

const SOI_BYTES = 2;
const APP0 = 0xe0;
const COM = 0xfe;
const DHT = 0xc4;
const DQT = 0xdb;
const DRI = 0xdd;
const EOI = 0xd9;
const SOS = 0xda;
const SCAN = Buffer.of(0xff, SOS);
/** Baseline, extended sequential and progressive, all Huffman coded. */
const plainFrames: ReadonlySet<number> = new Set([0xc0, 0xc1, 0xc2]);
/** Segments that change no pixel, or that every decoder reads. The other APPn carry EXIF, ICC or Adobe colour. */
const plainSegments: ReadonlySet<number> = new Set([APP0, COM, DHT, DQT, DRI]);

/** Reads the header of bytes that start with a JPEG signature; undefined when no whole frame header comes. */
export function readJpegHeader(jpeg: Buffer): ImageHeader | undefined {
  let frame: ImageHeader | undefined;
  let isPlain = jpeg.at(-2) === 0xff && jpeg.at(-1) === EOI;
  let offset = SOI_BYTES;
  // A segment: 0xff (repeated as padding), the marker, the length of the rest, the rest.
  while (offset + 4 <= jpeg.length && jpeg[offset] === 0xff) {
    const marker = jpeg.readUInt8(offset + 1);
    if (marker === 0xff) {
      offset += 1;
      continue;
    }
    const end = offset + 2 + jpeg.readUInt16BE(offset + 2);
    if (marker === SOS) return isPlain ? frame : notPlain(frame);
    if (end < offset + 4 || end > jpeg.length) break;
    if (isFrame(marker)) {
      if (frame !== undefined) break;
      frame = readFrame(jpeg.subarray(offset + 4, end));
      if (frame === undefined) break;
      isPlain &&= plainFrames.has(marker);
    } else {
      isPlain &&= plainSegments.has(marker);
    }
    offset = end;
  }
  return notPlain(frame);
}

/**
 * Whether a start of scan may come more than `most` times in these bytes. Within coded data 0xff is followed by other
 * bytes; what else looks like one, in metadata, is counted as well.
 */
export function hasMoreScans(jpeg: Buffer, most: number): boolean {
  let scans = 0;
  for (let at = jpeg.indexOf(SCAN); at >= 0; at = jpeg.indexOf(SCAN, at + SCAN.length)) {
    if (++scans > most) return true;
  }
  return false;
}

function notPlain(frame: ImageHeader | undefined): ImageHeader | undefined {
  return frame && { ...frame, plain: 'no' };
}

/** SOF0 to SOF15; the three markers between them that are something else are left out. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== DHT && marker !== 0xc8 && marker !== 0xcc;
}

/** `body`: precision, height (2 bytes), width (2 bytes), components, then three bytes per component. */
function readFrame(body: Buffer): ImageHeader | undefined {
  if (body.length < 6) return undefined;
  const components = body.readUInt8(5);
  if (body.length !== 6 + 3 * components) return undefined;
  const width = body.readUInt16BE(3);
  const height = body.readUInt16BE(1);
  return { width, height, plain: body[0] === 8 ? plainness(body, components, width) : 'no' };
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
