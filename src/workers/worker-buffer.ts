// The main thread's record of one worker's batches: a place for each batch, and a flag for each of its images in memory
// that both threads share. The flag is set when the client of the image has disconnected.
import { invariant } from '../foundation/errors.js';
import type { Batch } from './batch.js';

export interface WorkerBuffer {
  /** Int32 [places, maxBatch]: the flags. */
  readonly cancelled: SharedArrayBuffer;
  /** Number of images of all batches, including images that have already left. */
  images(): number;
  /** Whether the worker may take a further batch. */
  hasRoom(): boolean;
  /** Whether any of the batches is for this network. */
  has(network: string): boolean;
  /** @returns the batch's place, and a function that cancels one of its images; no effect after the batch has ended */
  take(batch: Batch): { readonly place: number; readonly cancel: (image: number) => void };
  at(place: number): Batch;
  giveBack(place: number): Batch;
  giveBackAll(): Batch[];
}

/**
 * @param concurrentBatches 1: one batch at a time. More: batches of any size, while they have fewer images than this
 * many full batches; for a worker that merges batches, many small ones are as good as a few large ones.
 * @param maxBatch maximum number of images in a batch
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
    invariant(batch, 'a worker reports only on its own batches');
    return batch;
  }

  return {
    cancelled,
    images,
    hasRoom,
    has: (network) => batches.some((batch) => batch?.command.network === network),

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
