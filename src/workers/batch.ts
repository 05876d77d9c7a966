// A batch of work for a worker of the pool.

import { concatenate } from '../cascade/concatenate.js';
import type { ImageValues } from '../cascade/image-tensor.js';
import { invariant } from '../foundation/errors.js';
import type { Progress, RunCommand } from './protocol.js';

/** Exactly one of onDone, onFailed and onLost is called. */
export interface Batch {
  readonly command: RunCommand;
  /** true: the batch may kill its worker, so it runs on an idle worker that gets no other batch meanwhile. */
  readonly alone: boolean;
  onProgress(progress: Progress): void;
  onDone(): void;
  /** The engine threw. */
  onFailed(reason: string): void;
  /** The worker died. */
  onLost(): void;
}

/** The images of a command, of which all have the same kind of values; a copy, which can be transferred. */
export function joinImages(images: readonly ImageValues[]): ImageValues {
  const [first] = images;
  invariant(first, 'a batch has at least one image');
  return first instanceof Float32Array
    ? concatenate(Float32Array, images as readonly Float32Array[])
    : concatenate(Uint8Array, images as readonly Uint8Array[]);
}
