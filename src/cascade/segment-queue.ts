// Where the batches in a worker's hands wait for their next segment, and which of them share the next engine call.
// Nobody waits for company that has not come: if there is anyone, there is a next call.
import type { Segment } from '../engines/engine.js';
import { type Descent, dropCancelled, nextExit, nextSegment } from './cascade.js';

/**
 * So many calls may be made ahead of a batch for the sake of batches that began to wait after it: full ones, so that those
 * in them catch up with it, or such that lead deeper, so that those who are nearly there get there.
 */
export const MOST_CALLS_PASSED_OVER = 4;

export interface SegmentQueue<Batch extends Descent> {
  add(batch: Batch): void;
  /** Lets go of images that nobody waits for any more. @returns the batches of which nobody is left, taken out */
  dropCancelled(): Batch[];
  /**
   * The batches that go next, together at most `maxBatch` images; none if nobody waits. Full calls come first; of those,
   * and if there is none, the deepest; of those the one that was waited for longest.
   */
  take(): Batch[];
}

/** @param maxBatch most images in one engine call; no batch has more */
export function createSegmentQueue<Batch extends Descent>(maxBatch: number): SegmentQueue<Batch> {
  /** Who has waited longest is first. */
  let waiting: { readonly batch: Batch; readonly since: number }[] = [];
  /** Engine calls so far. */
  let calls = 0;

  /** Of those who wait for `segment`, in order, all that fit. */
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
