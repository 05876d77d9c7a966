// What one worker has in hand, as the main thread keeps it: a place for each batch, and in memory that both threads
// share a flag for each image of it, set when nobody waits for that image any more.
import { invariant } from '../foundation/errors.js';
import type { Batch } from './batch.js';

export interface WorkerBuffer {
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
export function createWorkerBuffer(concurrentBatches: number, maxBatch: number): WorkerBuffer {
  const places = concurrentBatches === 1 ? 1 : concurrentBatches * maxBatch;
  const cancelled = new SharedArrayBuffer(places * maxBatch * Int32Array.BYTES_PER_ELEMENT);
  const flags = new Int32Array(cancelled);
  /** By place. */
  const batches = new Array<Batch | undefined>(places).fill(undefined);

  function all(): Batch[] {
    return batches.filter((batch) => batch !== undefined);
  }

  function images(): number {
    return all().reduce((sum, { command }) => sum + command.deadlines.length, 0);
  }

  function hasRoom(): boolean {
    const isFull = !batches.includes(undefined) || images() >= concurrentBatches * maxBatch;
    return !isFull && !batches.some((batch) => batch?.alone);
  }

  function at(place: number): Batch {
    const batch = batches[place];
    invariant(batch, 'a worker reports only on batches that it has in hand');
    return batch;
  }

  return {
    cancelled,
    images,
    hasRoom,

    take(batch) {
      invariant(hasRoom(), 'a batch is given only to a worker with room for it');
      const place = batches.indexOf(undefined);
      batches[place] = batch;
      const first = place * maxBatch;
      flags.fill(0, first, first + maxBatch);
      return {
        place,
        cancel(image) {
          if (batches[place] === batch) Atomics.store(flags, first + image, 1);
        },
      };
    },

    at,

    giveBack(place) {
      const batch = at(place);
      batches[place] = undefined;
      return batch;
    },

    giveBackAll() {
      const lost = all();
      batches.fill(undefined);
      return lost;
    },
  };
}
