// A JPEG as a row of segments, found as libjpeg finds them: bytes that belong to none are skipped.
// Format: ITU-T T.81 annex B.

export const SOI_BYTES = 2;
export const DHT = 0xc4;
export const EOI = 0xd9;
export const SOS = 0xda;
const TEM = 0x01;

export interface Segment {
  readonly marker: number;
  /** Where its marker's 0xff stands. What lies between the offset that was asked for and this is stray. */
  readonly start: number;
  /** The first byte behind it; may lie beyond the end of the bytes. */
  readonly end: number;
}

/** The segment that begins at `offset` or next behind it; undefined when no marker comes any more, or none with a length. */
export function segmentAt(jpeg: Buffer, offset: number): Segment | undefined {
  const start = nextMarker(jpeg, offset);
  const marker = jpeg[start + 1];
  if (marker === undefined) return undefined;
  if (standsAlone(marker)) return { marker, start, end: start + 2 };
  if (start + 4 > jpeg.length) return undefined;
  const length = jpeg.readUInt16BE(start + 2);
  return length < 2 ? undefined : { marker, start, end: start + 2 + length };
}

/** The first byte behind the coded data of a scan whose header ends at `offset`: where the next segment begins. */
export function endOfScan(jpeg: Buffer, offset: number): number {
  let at = nextMarker(jpeg, offset);
  while (isRestart(jpeg[at + 1] ?? 0)) at = nextMarker(jpeg, at + 2);
  return at;
}

/**
 * Where the next marker's 0xff stands; the end of the bytes if none comes. 0xff is no marker before 0, which stands for
 * the byte 0xff in coded data, nor before another 0xff, which is padding.
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
