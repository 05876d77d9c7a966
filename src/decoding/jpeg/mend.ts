// Repairs defects that libjpeg warns of although they do not affect the pixels. The decoder can then refuse an image on
// every other warning. Cameras and editors write files with such defects, and viewers show them.
import { leaveOut, type Span } from '../leave-out.js';
import { isFrame, isSequential } from './frame.js';
import { EOI, endOfScan, SOI_BYTES, SOS, segmentAt } from './segments.js';

/** The last bytes of the header of a scan that is not progressive: all coefficients, with all their bits. */
export const WHOLE_SCAN = Buffer.of(0, 63, 0);

/**
 * Removes bytes that belong to no segment, and bytes after the end-of-image marker; corrects the ends of scan headers.
 * @returns a repaired copy; the image itself if it has neither stray bytes between segments nor wrong scan headers
 */
export function mendJpeg(jpeg: Buffer): Buffer {
  const strays: Span[] = [];
  const scanEnds: number[] = [];
  let sequential = false;
  let offset = SOI_BYTES;
  for (let segment = segmentAt(jpeg, offset); segment !== undefined; segment = segmentAt(jpeg, offset)) {
    const { marker, start, end } = segment;
    if (start > offset) strays.push([offset, start]);
    offset = end;
    if (marker === EOI) break;
    if (isFrame(marker)) sequential = isSequential(marker);
    if (marker !== SOS) continue;
    if (sequential && !endsInWholeScan(jpeg, end)) scanEnds.push(end);
    offset = endOfScan(jpeg, end);
  }
  if (strays.length === 0 && scanEnds.length === 0) return jpeg;
  const copy = Buffer.from(jpeg.subarray(0, offset));
  for (const end of scanEnds) WHOLE_SCAN.copy(copy, end - WHOLE_SCAN.length);
  return leaveOut(copy, strays);
}

/** Whether a scan header that ends at `end` announces all coefficients with all their bits. */
export function endsInWholeScan(jpeg: Buffer, end: number): boolean {
  return jpeg.subarray(end - WHOLE_SCAN.length, end).equals(WHOLE_SCAN);
}
