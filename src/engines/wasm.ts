// The WebAssembly engine: TensorFlow.js on one thread. It is several times slower than onnxruntime, but needs no native
// code and runs wherever Node runs. Calls block their thread, so it must run in a worker.
import '@tensorflow/tfjs-backend-wasm';
import { GraphModel } from '@tensorflow/tfjs-converter';
import { io, ready, setBackend, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { invariant } from '../foundation/errors.js';
import type { Engine, Segment, SegmentSource } from './engine.js';
import { convertSegments, type Endpoint, type Signature } from './graph-def/convert.js';
import { graphModelArtifacts } from './graph-def/graph-model.js';

/** @throws Error if WebAssembly is not available */
export async function createEngine(): Promise<Engine> {
  const works = await setBackend('wasm');
  if (!works) throw new Error('TensorFlow.js cannot start WebAssembly here');
  await ready();
  return { name: 'wasm', device: 'cpu', imageLayout: 'nhwc', load };
}

/** All segments of a network share one graph model, which is disposed when the last segment is released. */
async function load(sources: readonly SegmentSource[]): Promise<Segment[]> {
  const network = convertSegments(sources);
  const model = new GraphModel(io.fromMemorySync(graphModelArtifacts(network)));
  model.load();
  let held = network.signatures.length;
  return network.signatures.map((signature) => ({
    run: async (input, batch) => run(model, signature, input, batch),
    release: async () => {
      held--;
      if (held === 0) model.dispose();
    },
  }));
}

function run(
  model: GraphModel<io.IOHandlerSync>,
  { input, logits, cut }: Signature,
  rows: Float32Array,
  batch: number,
): Awaited<ReturnType<Segment['run']>> {
  const fed = tensor(rows, [batch, ...input.shape]);
  const fetched = [logits, ...(cut ? [cut] : [])].map(({ node }: Endpoint) => node);
  try {
    const outputs = [model.execute({ [input.node]: fed }, fetched)].flat();
    const [first, second] = outputs.map(floats);
    for (const one of outputs) one.dispose();
    invariant(first, 'a model gives as many outputs as are asked for');
    return second ? { logits: first, cut: second } : { logits: first };
  } finally {
    fed.dispose();
  }
}

function floats(output: Tensor): Float32Array {
  const values = output.dataSync();
  invariant(values instanceof Float32Array, 'every output of a segment is float32');
  return values;
}
