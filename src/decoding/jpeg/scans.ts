// Counts a JPEG's scans: every one of them goes over all pixels.
import { EOI, endOfScan, SOI_BYTES, SOS, segmentAt } from './segments.js';

const SCAN = Buffer.of(0xff, SOS);

/** Whether the image has more than `most` scans. What lies behind its end is no part of it. */
export function hasMoreScans(jpeg: Buffer, most: number): boolean {
  // Nearly every image has so few of these bytes, wherever they stand, that none of its scans need be walked through.
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
