// Removes spans of bytes from an image.

/** Offsets of the first byte and of the byte after the last. `end` may lie beyond the end of the image. */
export type Span = readonly [start: number, end: number];

/** @param spans in order, without overlaps. @returns a copy without the spans; the image itself if there are none */
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
