// What the main thread and the workers say to each other; everything here is structured-cloneable.

import type { ExitReason, SegmentRun } from '../cascade/cascade.js';
import type { EngineOptions, SegmentSource } from '../engines/engine.js';
import type { Policy } from '../format/profiles.js';
import type { ExecutionPath } from '../network/execution-path.js';
import type { Network } from '../network/network.js';

/** Handed to a worker at its birth. */
export interface WorkerSetup {
  /** URL of the engine's module, see engines/engine.ts, and what it is created with. */
  readonly engine: { readonly module: string; readonly options: EngineOptions };
  readonly networks: readonly Network[];
  /** Whether to end if one of them cannot be loaded, instead of going on without it. */
  readonly needsAll: boolean;
  /** Most images that one engine call runs on. */
  readonly maxBatch: number;
  /** Int32 [places, maxBatch]; non-zero: nobody waits for that image any more. */
  readonly cancelled: SharedArrayBuffer;
}

export interface RunCommand {
  readonly kind: 'run';
  readonly network: string;
  readonly policy: Policy;
  readonly path: ExecutionPath;
  /** uint8 [batch, height, width, channels], in memory of its own: it is transferred to the worker. */
  readonly pixels: Uint8Array;
  /** Per image, on the monotonic clock; Infinity: none. */
  readonly deadlines: readonly number[];
  /** Per image: how many classes to report. */
  readonly topK: readonly number[];
}

/** Asks for further segments of a network that is loaded. */
export interface LoadCommand {
  readonly kind: 'load';
  readonly network: string;
  readonly segments: readonly SegmentSource[];
}

export type Command =
  /** `place`: the batch's among those in hand, from 0; reports name it. */
  | (RunCommand & { readonly place: number })
  /** This and the next only while nothing is in hand. */
  | LoadCommand
  | { readonly kind: 'close' };

export interface RankedClass {
  readonly classIndex: number;
  readonly probability: number;
}

export interface Leaver {
  readonly image: number;
  readonly step: number;
  readonly reason: ExitReason;
  readonly score: number;
  /** The most probable classes, best first. */
  readonly top: readonly RankedClass[];
}

export interface Progress {
  /** The same object for all batches that shared the call. */
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
  /** An engine call, and what came of it for each batch in it. `done`: nobody is left there, and the place is free. */
  | {
      readonly kind: 'progress';
      readonly run: SegmentRun;
      readonly parts: readonly {
        readonly place: number;
        readonly leavers: readonly Leaver[];
        readonly done: boolean;
      }[];
    }
  /** Those that were left in this batch have been cancelled. */
  | { readonly kind: 'done'; readonly place: number }
  /** The engine threw, or could not be called: the end of these batches. */
  | { readonly kind: 'failed'; readonly places: readonly number[]; readonly reason: string }
  /** The end of a load; with a reason, nothing has changed. */
  | { readonly kind: 'loaded'; readonly refused: string | undefined };
