// The messages between the main thread and the workers. All of them can be structured-cloned.

import type { ExitReason, SegmentRun } from '../cascade/cascade.js';
import type { Explain, Visit } from '../cascade/explain.js';
import type { ImageValues } from '../cascade/image-tensor.js';
import type { EngineOptions } from '../engines/engine.js';
import type { Policy } from '../format/profiles.js';
import type { ExecutionPath } from '../network/execution-path.js';
import type { Network } from '../network/network.js';

/** Given to a worker when it starts. */
export interface WorkerSetup {
  /** URL of the engine's module, see engines/engine.ts, and its options. */
  readonly engine: { readonly module: string; readonly options: EngineOptions };
  readonly networks: readonly Network[];
  /** Whether the worker ends if a network cannot be loaded, instead of continuing without it. */
  readonly needsAll: boolean;
  /** Maximum number of images in one engine call. */
  readonly maxBatch: number;
  /** Int32 [places, maxBatch]; non-zero: the client of that image has disconnected. */
  readonly cancelled: SharedArrayBuffer;
}

export interface RunCommand {
  readonly kind: 'run';
  readonly network: string;
  readonly policy: Policy;
  readonly path: ExecutionPath;
  /** One after another, in a buffer of their own, which is transferred to the worker. */
  readonly images: ImageValues;
  /** Per image, on the monotonic clock; Infinity: none. */
  readonly deadlines: readonly number[];
  /** Per image: number of classes to report. */
  readonly topK: readonly number[];
  /** Absent: the images are not explained. */
  readonly explain?: Explain;
}

/** Loads a network; of one that is already loaded, the further segments. */
export interface LoadCommand {
  readonly kind: 'load';
  readonly network: Network;
}

export type Command =
  /** `place`: index of the batch in the worker's buffer, from 0; reports refer to it. */
  | (RunCommand & { readonly place: number })
  /** Releases a network. Sent only while the worker has no batch for it. */
  | { readonly kind: 'unload'; readonly network: string }
  /** This and the next command are sent only while the worker has no batch. */
  | LoadCommand
  | { readonly kind: 'close' };

export interface RankedClass {
  readonly classIndex: number;
  readonly probability: number;
}

/** A visit with the most probable classes, best first. */
export interface RankedVisit extends Omit<Visit, 'probabilities'> {
  readonly top: readonly RankedClass[];
}

export interface Leaver {
  readonly image: number;
  readonly step: number;
  readonly reason: ExitReason;
  readonly score: number;
  /** The most probable classes, best first. */
  readonly top: readonly RankedClass[];
  /** Of an explained image: all exits at which it was scored, in order. */
  readonly visits?: readonly RankedVisit[];
}

export interface Progress {
  /** The same object for all batches of the engine call. */
  readonly run: SegmentRun;
  readonly leavers: readonly Leaver[];
}

export interface EngineInfo {
  readonly name: string;
  readonly device: string;
}

export type Report =
  | {
      readonly kind: 'ready';
      readonly engine: EngineInfo;
      readonly refused: readonly { readonly id: string; readonly reason: string }[];
    }
  /** An engine call with its results for each batch. `done`: no image is left in the batch, and its place is free. */
  | {
      readonly kind: 'progress';
      readonly run: SegmentRun;
      readonly parts: readonly {
        readonly place: number;
        readonly leavers: readonly Leaver[];
        readonly done: boolean;
      }[];
    }
  /** All remaining images of this batch were cancelled; its place is free. */
  | { readonly kind: 'done'; readonly place: number }
  /** The engine threw or could not be called. These batches have ended, and their places are free. */
  | { readonly kind: 'failed'; readonly places: readonly number[]; readonly reason: string }
  /** A load has ended. `refused`: the reason why nothing was loaded. */
  | { readonly kind: 'loaded'; readonly refused: string | undefined };
