// Finds and loads @tensorflow/tfjs-node-gpu: where `npm run install:tensorflow` puts it, or where npm has installed
// it beside the service. It is no dependency: its own installer downloads several hundred megabytes.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import process from 'node:process';
import util from 'node:util';
import type { NamedTensorMap, Tensor } from '@tensorflow/tfjs-core';

export const PACKAGE = '@tensorflow/tfjs-node-gpu';

/** Holds the package.json whose dependency it is, and its node_modules once it is installed. */
export const installFolder = new URL('../../../../tensorflow/', import.meta.url);

/** The parts of the package that are used here. */
export interface TensorFlow {
  readonly version: Readonly<Record<'tfjs-node', string>>;
  readonly node: {
    loadSavedModel(path: string, tags: string[], signature: string): Promise<SavedModelSignature>;
  };
  tensor(values: Float32Array, shape: number[]): Tensor;
  square(input: Tensor): Tensor;
  backend(): object;
}

export interface SavedModelSignature {
  predict(inputs: NamedTensorMap): NamedTensorMap;
  dispose(): void;
}

/** Where the package has its addon. */
export const ADDON = 'lib/napi-v8/tfjs_binding.node';

/** The package's main file; undefined: it is not installed, or only in part. */
export function findBindings(): string | undefined {
  for (const base of [new URL('package.json', installFolder), import.meta.url]) {
    try {
      const path = createRequire(base).resolve(PACKAGE);
      if (existsSync(join(dirname(path), '..', ADDON))) return path;
    } catch {
      // Not there; perhaps at the next place.
    }
  }
  return undefined;
}

/** What TensorFlow reads from the environment when it is loaded; what is set there already stays. */
export function environmentFor(device: 'auto' | 'cpu' | 'gpu', threads: number): Record<string, string> {
  return {
    TF_NUM_INTRAOP_THREADS: `${threads}`,
    TF_NUM_INTEROP_THREADS: '1',
    // On processors without AVX-512 it would be off, and convolutions take a fifth longer.
    TF_ENABLE_ONEDNN_OPTS: '1',
    // Else it takes all of the GPU's memory at once, and notes of its own to standard error.
    TF_FORCE_GPU_ALLOW_GROWTH: 'true',
    TF_CPP_MIN_LOG_LEVEL: '2',
    ...(device === 'cpu' && { CUDA_VISIBLE_DEVICES: '-1' }),
  };
}

/** @throws Error if it is not installed or cannot be loaded */
export function loadTensorFlow(): TensorFlow {
  const path = findBindings();
  if (path === undefined) throw new Error(`${PACKAGE} is not installed; npm run install:tensorflow does it`);
  restoreRemovedFunctions();
  const tensorflow = createRequire(import.meta.url)(path) as TensorFlow;
  computeOnce(tensorflow);
  return tensorflow;
}

/** Loaded by a thread that then ends without having computed anything, it crashes the process when that ends. */
function computeOnce({ tensor, square }: TensorFlow): void {
  const input = tensor(new Float32Array(1), [1]);
  square(input).dispose();
  input.dispose();
}

export function usesGpu(tensorflow: TensorFlow): boolean {
  return (tensorflow.backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice === true;
}

/** Version 4.22.0 calls these two, which Node 23 has removed. */
function restoreRemovedFunctions(): void {
  const functions = util as { isNullOrUndefined?: unknown; isArray?: unknown };
  functions.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  functions.isArray ??= Array.isArray;
}

export function applyEnvironment(variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) process.env[name] ??= value;
}
