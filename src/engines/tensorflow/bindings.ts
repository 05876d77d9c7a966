// Finds and loads @tensorflow/tfjs-node-gpu: either where `npm run install:tensorflow` installs it, or in the service's
// own node_modules. It is not a dependency, because its own installer downloads several hundred megabytes.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import process from 'node:process';
import util from 'node:util';
import type { NamedTensorMap, Tensor } from '@tensorflow/tfjs-core';

export const PACKAGE = '@tensorflow/tfjs-node-gpu';

/** Contains the package.json that depends on the package, and its node_modules once it is installed. */
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

/** Path of the native addon inside the package. */
export const ADDON = 'lib/napi-v8/tfjs_binding.node';

/** The package's main file; undefined if the package is not installed, or only partly. */
export function findBindings(): string | undefined {
  for (const base of [new URL('package.json', installFolder), import.meta.url]) {
    try {
      const path = createRequire(base).resolve(PACKAGE);
      if (existsSync(join(dirname(path), '..', ADDON))) return path;
    } catch {
      // Not found here; try the next place.
    }
  }
  return undefined;
}

/** Environment variables that TensorFlow reads when it is loaded. Variables that are already set keep their values. */
export function environmentFor(device: 'auto' | 'cpu' | 'gpu', threads: number): Record<string, string> {
  return {
    TF_NUM_INTRAOP_THREADS: `${threads}`,
    TF_NUM_INTEROP_THREADS: '1',
    // Off by default on processors without AVX-512; convolutions then take a fifth longer.
    TF_ENABLE_ONEDNN_OPTS: '1',
    // By default TensorFlow takes all of the GPU's memory at once, and writes notes to standard error.
    TF_FORCE_GPU_ALLOW_GROWTH: 'true',
    TF_CPP_MIN_LOG_LEVEL: '2',
    ...(device === 'cpu' && { CUDA_VISIBLE_DEVICES: '-1' }),
  };
}

/** @throws Error if TensorFlow is not installed or cannot be loaded */
export function loadTensorFlow(): TensorFlow {
  const path = findBindings();
  if (path === undefined) throw new Error(`${PACKAGE} is not installed; npm run install:tensorflow does it`);
  restoreRemovedFunctions();
  const tensorflow = createRequire(import.meta.url)(path) as TensorFlow;
  computeOnce(tensorflow);
  return tensorflow;
}

/** If a thread loads TensorFlow and ends without computing anything, the process crashes when it exits. */
function computeOnce({ tensor, square }: TensorFlow): void {
  const input = tensor(new Float32Array(1), [1]);
  square(input).dispose();
  input.dispose();
}

export function usesGpu(tensorflow: TensorFlow): boolean {
  return (tensorflow.backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice === true;
}

/** tfjs-node 4.22.0 calls these two functions, which Node 23 removed. */
function restoreRemovedFunctions(): void {
  const functions = util as { isNullOrUndefined?: unknown; isArray?: unknown };
  functions.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  functions.isArray ??= Array.isArray;
}

export function applyEnvironment(variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) process.env[name] ??= value;
}
