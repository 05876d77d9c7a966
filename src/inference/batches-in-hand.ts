// What one worker has in hand, as the main thread keeps it: a place for each batch, and in memory that both threads
// share a flag for each image of it, set when nobody waits for that image any more.
import { invariant } from '../errors.js';
import type { Batch } from './batch.js';

export interface BatchesInHand {
  /** Int32 [places, maxBatch]: the flags. */
  readonly cancelled: SharedArrayBuffer;
  /** Of all batches, those that have left them included. */
  images(): number;
  /** Whether a further batch may be taken. */
  hasRoom(): boolean;
  /** @returns its place, and a function that cancels one of its images, as long as it is in hand */
  take(batch: Batch): { readonly place: number; readonly cancel: (image: number) => void };
  at(place: number): Batch;
  giveBack(place: number): Batch;
  giveBackAll(): Batch[];
}

/**
 * @param concurrentBatches 1: one batch at a time. More: batches of whatever size, as long as those in hand have fewer
 * images than so many full ones; for a worker that merges them, many small ones are as good as few large ones.
 * @param maxBatch most images of a batch
 */
export function createBatchesInHand(concurrentBatches: number, maxBatch: number): BatchesInHand {
  const places = concurrentBatches === 1 ? 1 : concurrentBatches * maxBatch;
  const cancelled = new SharedArrayBuffer(places * maxBatch * Int32Array.BYTES_PER_ELEMENT);
  const flags = new Int32Array(cancelled);
  const batches = new Map<number, Batch>();

  function images(): number {
    return [...batches.values()].reduce((sum, { command }) => sum + command.deadlines.length, 0);
  }

  function hasRoom(): boolean {
    const isFull = batches.size === places || images() >= concurrentBatches * maxBatch;
    return !isFull && ![...batches.values()].some(({ alone }) => alone);
  }

  function at(place: number): Batch {
    const batch = batches.get(place);
    invariant(batch, 'a worker reports only on batches that it has in hand');
    return batch;
  }

  return {
    cancelled,
    images,
    hasRoom,

    take(batch) {
      invariant(hasRoom(), 'a batch is given only to a worker with room for it');
      let place = 0;
      while (batches.has(place)) place++;
      batches.set(place, batch);
      const first = place * maxBatch;
      flags.fill(0, first, first + maxBatch);
      return {
        place,
        cancel(image) {
          if (batches.get(place) === batch) Atomics.store(flags, first + image, 1);
        },
      };
    },

    at,

    giveBack(place) {
      const batch = at(place);
      batches.delete(place);
      return batch;
    },

    giveBackAll() {
      const all = [...batches.values()];
      batches.clear();
      return all;
    },
  };
}
