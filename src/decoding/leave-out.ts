// An image's bytes without some of them.

/** From the first byte to the one behind the last, which may lie beyond the image's end. */
export type Span = readonly [start: number, end: number];

/** A copy without the spans, which come in order and do not overlap; the image itself if there are none. */
export function leaveOut(image: Buffer, spans: Iterable<Span>): Buffer {
  let copy: Buffer | undefined;
  let size = 0;
  let from = 0;
  for (const [start, end] of spans) {
    copy ??= Buffer.allocUnsafe(image.length);
    size += image.copy(copy, size, from, start);
    from = Math.min(end, image.length);
  }
  if (copy === undefined) return image;
  size += image.copy(copy, size, from);
  return copy.subarray(0, size);
}
