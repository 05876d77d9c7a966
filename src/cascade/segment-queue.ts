// The queue of a worker's batches that wait for their next segment. It chooses the batches of the next engine call.
// There is no batching delay: while any batch waits, there is a next call.
import type { Segment } from '../engines/engine.js';
import { type Descent, dropCancelled, nextExit, nextSegment } from './cascade.js';

/**
 * Maximum number of calls that may run while the oldest batch waits; prevents starvation. The queue prefers full calls,
 * whose images catch up with the batch, and deeper segments, whose images are nearly done.
 */
export const MOST_CALLS_PASSED_OVER = 4;

export interface SegmentQueue<Batch extends Descent> {
  add(batch: Batch): void;
  /** Drops images whose client has disconnected. @returns the batches without images; they are removed */
  dropCancelled(): Batch[];
  /**
   * The batches of the next call, together at most `maxBatch` images; empty if no batch waits. Full calls come first,
   * then the deepest segment, then the segment whose batch has waited longest.
   */
  take(): Batch[];
}

/** @param maxBatch maximum number of images in one engine call; no batch has more */
export function createSegmentQueue<Batch extends Descent>(maxBatch: number): SegmentQueue<Batch> {
  /** The batch that has waited longest is first. */
  let waiting: { readonly batch: Batch; readonly since: number }[] = [];
  /** Number of engine calls so far. */
  let calls = 0;

  /** The batches that wait for `segment`, in order; those that do not fit in the call are skipped. */
  function fitting(segment: Segment): Batch[] {
    let images = 0;
    return there(segment).filter(({ staying }) => {
      const fits = images + staying.length <= maxBatch;
      if (fits) images += staying.length;
      return fits;
    });
  }

  function there(segment: Segment): Batch[] {
    return waiting.map(({ batch }) => batch).filter((batch) => nextSegment(batch) === segment);
  }

  function preferred(): Segment | undefined {
    const candidates = new Map(waiting.map(({ batch }) => [nextSegment(batch), nextExit(batch)]));
    const ranked = [...candidates].map(([segment, exit]) => {
      const images = there(segment).reduce((sum, { staying }) => sum + staying.length, 0);
      return { segment, exit, full: images >= maxBatch ? 1 : 0 };
    });
    return ranked.sort((a, b) => b.full - a.full || b.exit - a.exit)[0]?.segment;
  }

  return {
    add(batch) {
      waiting.push({ batch, since: calls });
    },

    dropCancelled() {
      for (const { batch } of waiting) dropCancelled(batch);
      const empty = waiting.filter(({ batch }) => batch.staying.length === 0);
      if (empty.length > 0) waiting = waiting.filter((one) => !empty.includes(one));
      return empty.map(({ batch }) => batch);
    },

    take() {
      const [oldest] = waiting;
      if (!oldest) return [];
      const isDue = calls - oldest.since >= MOST_CALLS_PASSED_OVER;
      const next = fitting((isDue ? undefined : preferred()) ?? nextSegment(oldest.batch));
      calls++;
      waiting = waiting.filter(({ batch }) => !next.includes(batch));
      return next;
    },
  };
}
