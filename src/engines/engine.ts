// The contract between the cascade and whatever executes a network. Only files in this folder import a runtime.
import type { DeviceName } from './demand.js';

/** A piece of the network that one engine call runs: from a cut (or the image) to an exit's logits and cut. */
export interface SegmentSource {
  /** The exit whose cut the segment starts from; -1: it starts from the image. */
  readonly from: number;
  /** The exit at which the segment ends. */
  readonly to: number;
  /** Name of the one input tensor. */
  readonly input: string;
  /** Its dimensions without the batch, as in the ONNX graph: [channels, height, width] for an image. */
  readonly inputShape: readonly number[];
  /** Name of the output with the logits of exit `to`: float32 [N, classes]. */
  readonly logits: string;
  /** Name of the output that later segments start from; absent at the final exit. */
  readonly cut?: string;
  /** The segment as an ONNX model of its own, weights included; in memory that threads share. */
  readonly graph: Uint8Array;
}

export interface SegmentOutput {
  /** [batch, classes], row-major. */
  readonly logits: Float32Array;
  /** [batch, …], row-major over images; the layout inside a row is the engine's own. */
  readonly cut?: Float32Array;
}

/** A loaded segment. */
export interface Segment {
  /**
   * Runs the segment on `batch` images.
   * @param input `batch` rows: of the image tensor in the engine's `imageLayout`, or of an earlier segment's cut.
   */
  run(input: Float32Array, batch: number): Promise<SegmentOutput>;
  release(): Promise<void>;
}

/** A model that is looked into rather than served. */
export interface Examined {
  /** Element types of its outputs that are tensors, as `float32` or `int64`. */
  readonly types: ReadonlyMap<string, string>;
  /** @returns the values of every output, as numbers */
  run(
    input: string,
    values: Float32Array,
    dims: readonly number[],
  ): Promise<ReadonlyMap<string, readonly number[]>>;
  release(): Promise<void>;
}

export interface Engine {
  readonly name: string;
  /** Where it computes, as shown to operators: `cpu`, `gpu:0`, … */
  readonly device: string;
  /**
   * How an image's values are laid out in the input row. `nchw`: as the ONNX graph takes them. `nhwc`: with the first axis
   * of the graph's three as the last, which are the channels if the graph has them first.
   */
  readonly imageLayout: 'nchw' | 'nhwc';
  /**
   * Loads segments of one network, so that an engine may let them share what they have in common.
   * @returns them in the same order
   */
  load(sources: readonly SegmentSource[]): Promise<readonly Segment[]>;
  /** Loads any ONNX model to see what its tensors are; its outputs need not say their types. Not every engine can. */
  examine?(model: Uint8Array): Promise<Examined>;
}

/** Demands of the operator; engines take those that concern them. */
export interface EngineOptions {
  /** `auto`: a GPU if the engine can use one. Default: auto. */
  readonly device?: DeviceName;
  /** Of one engine call, where it may use several. Default: 1. */
  readonly threads?: number;
  /** Most images that will be run together. Default: 1. */
  readonly maxBatch?: number;
}

/** What the module of an engine exports; it is imported where the engine is to run. */
export interface EngineModule {
  /** @throws Error if the engine cannot run here */
  createEngine(options?: EngineOptions): Engine | Promise<Engine>;
}
