// A call that fails leaves none of its tensors behind: their memory is not Node's, and nobody else frees it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memory, type Tensor } from '@tensorflow/tfjs-core';
import { convertSegments } from '../../src/engines/graph-def/convert.js';
import type { TensorFlow } from '../../src/engines/tensorflow/bindings.js';
import { loadConverted } from '../../src/engines/tensorflow/engine.js';
import { createEngine } from '../../src/engines/wasm.js';
import { convolve, encode, weight } from '../onnx/shape-cases.js';

/** WebAssembly has no kernel for it. */
const graph = encode({
  image: [1, 9, 9],
  nodes: convolve({ strides: [2, 2], dilations: [2, 2] }),
  initializers: [weight('w', 1, 1, 3, 3)],
});
const source = { from: -1, to: 0, input: 'image', inputShape: [1, 9, 9], logits: 'out', graph };

test('of the engine wasm', async () => {
  const [segment] = await (await createEngine()).load([source]);
  assert.ok(segment);
  const before = memory().numTensors;
  await assert.rejects(segment.run(new Float32Array(81), 1), /Either strides or dilations must be 1/);
  assert.equal(memory().numTensors, before);
  await segment.release();
});

test('of the engine tensorflow, with a stand-in that has no memory left', async () => {
  const held = new Set<object>();
  const full = {
    node: {
      loadSavedModel: async () => ({
        predict() {
          throw new Error('out of memory');
        },
        dispose() {},
      }),
    },
    tensor() {
      const made = { dispose: () => void held.delete(made) } as Tensor;
      held.add(made);
      return made;
    },
  };
  const [segment] = await loadConverted(full as unknown as TensorFlow, convertSegments([source]));
  assert.ok(segment);
  await assert.rejects(segment.run(new Float32Array(81), 1), /out of memory/);
  assert.equal(held.size, 0);
});
