// Mends what libjpeg warns about although it says nothing against the pixels, so that its other warnings, which do, can
// be taken as refusals. Cameras and editors do write such files, and viewers show them.
import { leaveOut, type Span } from '../leave-out.js';
import { isFrame, isSequential } from './frame.js';
import { EOI, endOfScan, SOI_BYTES, SOS, segmentAt } from './segments.js';

/** What the header of a scan that is not progressive ends in: all coefficients, in whole. */
export const WHOLE_SCAN = Buffer.of(0, 63, 0);

/**
 * The JPEG without bytes that belong to no segment, and with the ends of scan headers as they ought to be; up to its
 * end-of-image marker. The image itself if there is nothing to mend.
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

/** Whether a scan header that ends at `end` says that the scan has all coefficients, in whole. */
export function endsInWholeScan(jpeg: Buffer, end: number): boolean {
  return jpeg.subarray(end - WHOLE_SCAN.length, end).equals(WHOLE_SCAN);
}
