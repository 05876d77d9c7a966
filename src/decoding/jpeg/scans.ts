// Counts a JPEG's scans, because the decoder visits all pixels for each scan.
import { EOI, endOfScan, SOI_BYTES, SOS, segmentAt } from './segments.js';

const SCAN = Buffer.of(0xff, SOS);

/** Whether the image has more than `most` scans. Bytes after its end-of-image marker do not count. */
export function hasMoreScans(jpeg: Buffer, most: number): boolean {
  // Most images contain so few SOS markers that their segments need not be read.
  return hasMoreOf(jpeg, SCAN, most) && countsMoreScans(jpeg, most);
}

function hasMoreOf(bytes: Buffer, pattern: Buffer, most: number): boolean {
  let count = 0;
  for (let at = bytes.indexOf(pattern); at >= 0; at = bytes.indexOf(pattern, at + pattern.length)) {
    if (++count > most) return true;
  }
  return false;
}

function countsMoreScans(jpeg: Buffer, most: number): boolean {
  let scans = 0;
  let segment = segmentAt(jpeg, SOI_BYTES);
  while (segment !== undefined && segment.marker !== EOI) {
    const isScan = segment.marker === SOS;
    if (isScan && ++scans > most) return true;
    segment = segmentAt(jpeg, isScan ? endOfScan(jpeg, segment.end) : segment.end);
  }
  return false;
}
