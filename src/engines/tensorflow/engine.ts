// The TensorFlow engine: @tensorflow/tfjs-node-gpu, with one native call per segment through a SavedModel's signature.
// A call blocks its thread and uses several threads of TensorFlow, so the engine runs in exactly one worker.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Tensor } from '@tensorflow/tfjs-core';
import { invariant } from '../../foundation/errors.js';
import type { Engine, EngineOptions, Segment } from '../engine.js';
import { type ConvertedNetwork, convertSegments, type Signature } from '../graph-def/convert.js';
import {
  CUT,
  encodeSavedModel,
  INPUT,
  LOGITS,
  SERVING_TAG,
  signatureName,
} from '../graph-def/saved-model.js';
import {
  applyEnvironment,
  environmentFor,
  loadTensorFlow,
  type SavedModelSignature,
  type TensorFlow,
  usesGpu,
} from './bindings.js';

/** @throws Error if TensorFlow is not installed, or if a GPU is demanded and TensorFlow finds none */
export function createEngine({ device = 'auto', threads = 1, maxBatch = 1 }: EngineOptions = {}): Engine {
  applyEnvironment(environmentFor(device, threads));
  const tensorflow = loadTensorFlow();
  const gpu = usesGpu(tensorflow);
  if (device === 'gpu' && !gpu) throw new Error('TensorFlow finds no GPU that it can use');
  return {
    name: 'tensorflow',
    device: gpu ? 'gpu:0' : 'cpu',
    imageLayout: 'nhwc',
    async load(sources) {
      const network = convertSegments(sources);
      const segments = await loadConverted(tensorflow, network);
      if (gpu) await warmUp(network, segments, maxBatch);
      return segments;
    },
  };
}

/** Runs every batch size once. On a GPU the first batch of each size is slow: TensorFlow then chooses algorithms. */
export async function warmUp(
  { signatures }: ConvertedNetwork,
  segments: readonly Segment[],
  maxBatch: number,
): Promise<void> {
  for (const [index, { input }] of signatures.entries()) {
    const size = input.shape.reduce((product, extent) => product * extent, 1);
    for (let batch = 1; batch <= maxBatch; batch++) {
      await segments[index]?.run(new Float32Array(batch * size), batch);
    }
  }
}

/** TensorFlow loads a SavedModel from a folder; the folder is removed afterwards. */
export async function loadConverted(tensorflow: TensorFlow, network: ConvertedNetwork): Promise<Segment[]> {
  const folder = await mkdtemp(join(tmpdir(), 'rdi-saved-model-'));
  try {
    await writeFile(join(folder, 'saved_model.pb'), encodeSavedModel(network));
    return await Promise.all(
      network.signatures.map(async (signature, index) => {
        const name = signatureName(index);
        const loaded = await tensorflow.node.loadSavedModel(folder, [SERVING_TAG], name);
        return segmentOf(tensorflow, loaded, signature);
      }),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

function segmentOf(tensorflow: TensorFlow, model: SavedModelSignature, { input }: Signature): Segment {
  return {
    async run(rows, batch) {
      const fed = tensorflow.tensor(rows, [batch, ...input.shape]);
      try {
        const { [LOGITS]: logits, [CUT]: cut } = model.predict({ [INPUT]: fed });
        invariant(logits, 'every signature gives logits');
        const output = { logits: floats(logits), ...(cut && { cut: floats(cut) }) };
        logits.dispose();
        cut?.dispose();
        return output;
      } finally {
        fed.dispose();
      }
    },
    release: async () => model.dispose(),
  };
}

function floats(output: Tensor): Float32Array {
  const values = output.dataSync();
  invariant(values instanceof Float32Array, 'every output of a segment is float32');
  return values;
}
