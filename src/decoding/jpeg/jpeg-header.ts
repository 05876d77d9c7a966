// Reads a JPEG up to its first scan: its frame, and whether the fast path may decode it. Defects that libjpeg skips are
// skipped here too. JFIF and Adobe markers: ITU-T T.871 and T.872.
import type { ImageHeader } from '../image-header.js';
import { type Frame, isFrame, isSequential, readFrame } from './frame.js';
import { endsInWholeScan } from './mend.js';
import { DHT, EOI, SOI_BYTES, SOS, segmentAt } from './segments.js';

const APP0 = 0xe0;
const COM = 0xfe;
const DQT = 0xdb;
const DRI = 0xdd;
/** Segments that do not change pixels, or that every decoder reads. The other APPn hold EXIF, ICC or Adobe colour. */
const plainSegments: ReadonlySet<number> = new Set([APP0, COM, DHT, DQT, DRI]);

/** @param jpeg bytes that start with the JPEG signature. @returns undefined if no complete frame header follows */
export function readJpegHeader(jpeg: Buffer): ImageHeader | undefined {
  let frame: Frame | undefined;
  let isPlain = jpeg.at(-2) === 0xff && jpeg.at(-1) === EOI;
  let offset = SOI_BYTES;
  for (let segment = segmentAt(jpeg, offset); segment !== undefined; segment = segmentAt(jpeg, offset)) {
    const { marker, start, end } = segment;
    if (marker === SOS) return frame && atScan(frame, jpeg, start, end, isPlain && start === offset);
    if (marker === EOI || end > jpeg.length) break;
    isPlain &&= start === offset && (plainSegments.has(marker) || isFrame(marker));
    if (isFrame(marker)) {
      if (frame !== undefined) break;
      frame = readFrame(marker, jpeg.subarray(start + 4, end));
      if (frame === undefined || frame.unreadable !== undefined) break;
    }
    offset = end;
  }
  return frame && { ...frame, plain: 'no' };
}

/** Adds to the frame what the header of its first scan gives: the number of components, and the scan's coefficients. */
function atScan(frame: Frame, jpeg: Buffer, start: number, end: number, isPlain: boolean): ImageHeader {
  const isWhole = isSequential(frame.marker);
  const hasMoreToCome = isWhole && (jpeg[start + 4] ?? 0) < frame.components;
  return {
    ...frame,
    plain: isPlain && (!isWhole || endsInWholeScan(jpeg, end)) ? frame.plain : 'no',
    decodingBytes: frame.decodingBytes + (hasMoreToCome ? frame.coefficientBytes : 0),
  };
}
