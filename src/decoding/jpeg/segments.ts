// Finds the segments of a JPEG as libjpeg does: bytes that belong to no segment are skipped.
// Format: ITU-T T.81 annex B.

export const SOI_BYTES = 2;
export const DHT = 0xc4;
export const EOI = 0xd9;
export const SOS = 0xda;
const TEM = 0x01;

export interface Segment {
  readonly marker: number;
  /** Offset of the marker's 0xff. The bytes before it, from the offset at which the search began, are stray. */
  readonly start: number;
  /** Offset of the first byte after the segment; may lie beyond the end of the image. */
  readonly end: number;
}

/** The first segment at or after `offset`; undefined if there is no further marker or its length is not valid. */
export function segmentAt(jpeg: Buffer, offset: number): Segment | undefined {
  const start = nextMarker(jpeg, offset);
  const marker = jpeg[start + 1];
  if (marker === undefined) return undefined;
  if (standsAlone(marker)) return { marker, start, end: start + 2 };
  if (start + 4 > jpeg.length) return undefined;
  const length = jpeg.readUInt16BE(start + 2);
  return length < 2 ? undefined : { marker, start, end: start + 2 + length };
}

/** Offset of the first byte after the coded data of a scan whose header ends at `offset`. */
export function endOfScan(jpeg: Buffer, offset: number): number {
  let at = nextMarker(jpeg, offset);
  while (isRestart(jpeg[at + 1] ?? 0)) at = nextMarker(jpeg, at + 2);
  return at;
}

/**
 * Offset of the next marker's 0xff; the end of the image if there is none. 0xff before 0 is a byte of coded data, and
 * 0xff before another 0xff is padding.
 */
function nextMarker(jpeg: Buffer, offset: number): number {
  let at = offset;
  for (; at < jpeg.length; at++) {
    if (jpeg[at] !== 0xff) continue;
    const next = jpeg[at + 1];
    if (next !== 0 && next !== 0xff) break;
  }
  return at;
}

function standsAlone(marker: number): boolean {
  return marker === EOI || marker === 0xd8 || marker === TEM || isRestart(marker);
}

function isRestart(marker: number): boolean {
  return marker >= 0xd0 && marker <= 0xd7;
}
