// The interface between the cascade and an engine that executes networks. Only files in this folder import a runtime.
import type { DeviceName } from './engine-names.js';

/** The part of a network that one engine call runs: from a cut (or the image) to an exit's logits and cut. */
export interface SegmentSource {
  /** The exit at whose cut the segment starts; -1: it starts at the image. */
  readonly from: number;
  /** The exit at which the segment ends. */
  readonly to: number;
  /** Name of the one input tensor. */
  readonly input: string;
  /** Dimensions of the input without the batch, as in the ONNX graph: [channels, height, width] for an image. */
  readonly inputShape: readonly number[];
  /** Name of the output with the logits of exit `to`: float32 [N, classes]. */
  readonly logits: string;
  /** Name of the output that later segments start from; absent at the final exit. */
  readonly cut?: string;
  /** The segment as a separate ONNX model, including weights, in memory that threads share. */
  readonly graph: Uint8Array;
}

export interface SegmentOutput {
  /** [batch, classes], row-major. */
  readonly logits: Float32Array;
  /** [batch, …], row-major over images; the layout inside a row depends on the engine. */
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

/** A tensor as an ONNX file stores it. */
export interface RawTensor {
  readonly dims: readonly number[];
  /** Row-major, little-endian; one byte for a bool. */
  readonly bytes: Uint8Array;
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
  /** As `run`, but with the exact values of every output that is not text. */
  runRaw(
    input: string,
    values: Float32Array,
    dims: readonly number[],
  ): Promise<ReadonlyMap<string, RawTensor>>;
  release(): Promise<void>;
}

export interface Engine {
  readonly name: string;
  /** The device, as shown to operators: `cpu`, `gpu:0`, … */
  readonly device: string;
  /**
   * How an image's values are laid out in the input row. `nchw`: as the ONNX graph takes them. `nhwc`: with the first axis
   * of the graph's three as the last, which are the channels if the graph has them first.
   */
  readonly imageLayout: 'nchw' | 'nhwc';
  /**
   * Loads segments of one network together, so that an engine can share their common parts.
   * @returns the segments in the same order
   */
  load(sources: readonly SegmentSource[]): Promise<readonly Segment[]>;
  /** Loads any ONNX model to see what its tensors are; its outputs need not say their types. Not every engine can. */
  examine?(model: Uint8Array): Promise<Examined>;
}

/** Options from the operator; an engine ignores those that it does not support. */
export interface EngineOptions {
  /** `auto`: a GPU if the engine can use one. Default: auto. */
  readonly device?: DeviceName;
  /** Number of threads of one engine call, if the engine supports several. Default: 1. */
  readonly threads?: number;
  /** Maximum number of images in one call. Default: 1. */
  readonly maxBatch?: number;
}

/** The exports of an engine's module. The thread that runs the engine imports it. */
export interface EngineModule {
  /** @throws Error if the engine cannot run here */
  createEngine(options?: EngineOptions): Engine | Promise<Engine>;
}
