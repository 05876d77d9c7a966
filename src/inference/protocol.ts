// What the main thread and the workers say to each other; everything here is structured-cloneable.
import type { EngineOptions, SegmentSource } from '../engines/engine.js';
import type { GoldenDocument } from '../models/golden.js';
import type { Manifest } from '../models/manifest.js';
import type { Policy } from '../models/profiles.js';
import type { ExitReason, SegmentRun } from './cascade.js';
import type { Path } from './path.js';

/** A network as a worker loads it. */
export interface Network {
  /** `name/version`. */
  readonly id: string;
  readonly manifest: Manifest;
  readonly segments: readonly SegmentSource[];
  readonly golden: GoldenDocument;
}

/** Handed to a worker at its birth. */
export interface WorkerSetup {
  /** URL of the engine's module, see engines/engine.ts, and what it is created with. */
  readonly engine: { readonly module: string; readonly options: EngineOptions };
  readonly networks: readonly Network[];
  /** Int32 per place in a batch; non-zero: nobody waits for that image any more. */
  readonly cancelled: SharedArrayBuffer;
}

export interface RunCommand {
  readonly kind: 'run';
  readonly network: string;
  readonly policy: Policy;
  readonly path: Path;
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

export type Command = RunCommand | LoadCommand | { readonly kind: 'close' };

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
  /** `done`: nobody is left in the batch, and the worker is free. */
  | ({ readonly kind: 'progress'; readonly done: boolean } & Progress)
  /** Those that were left have been cancelled. */
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly reason: string }
  /** The end of a load; with a reason, nothing has changed. */
  | { readonly kind: 'loaded'; readonly refused: string | undefined };
