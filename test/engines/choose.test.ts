// Which engine is taken, for every demand and every machine; and this machine looked at for real.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseEngine, engineModule, type Surroundings } from '../../src/engines/choose.js';
import type { EngineDemand } from '../../src/engines/engine-names.js';
import { findBindings } from '../../src/engines/tensorflow/bindings.js';
import type { TensorFlowFinding } from '../../src/engines/tensorflow/probe.js';
import { UsageError } from '../../src/foundation/errors.js';

const machines = {
  bare: machine({ state: 'not-installed' }),
  cpu: machine({ state: 'usable', gpu: false }),
  gpu: machine({ state: 'usable', gpu: true }),
  broken: machine({ state: 'cannot-load', reason: 'no such library' }),
  foreign: machine({ state: 'not-installed' }, new Error('no such library\nin this place')),
};

function machine(finding: TensorFlowFinding, onnx?: Error): Surroundings {
  return {
    tensorflow: async () => finding,
    onnx: async () => {
      if (onnx) throw onnx;
    },
  };
}

type Row = [EngineDemand['engine'], EngineDemand['device'], keyof typeof machines, string | RegExp];

const rows: Row[] = [
  ['auto', 'auto', 'bare', 'onnx; tensorflow not-installed, wasm not-needed'],
  ['auto', 'auto', 'cpu', 'onnx; tensorflow no-gpu, wasm not-needed'],
  ['auto', 'auto', 'gpu', 'tensorflow; onnx not-needed, wasm not-needed'],
  ['auto', 'auto', 'broken', 'onnx; tensorflow cannot-load, wasm not-needed'],
  ['auto', 'auto', 'foreign', 'wasm; tensorflow not-installed, onnx cannot-load'],
  ['auto', 'cpu', 'gpu', 'onnx; tensorflow not-needed, wasm not-needed'],
  ['auto', 'gpu', 'gpu', 'tensorflow; onnx not-needed, wasm not-needed'],
  [
    'auto',
    'gpu',
    'bare',
    /^A GPU is demanded: TensorFlow is not installed; npm run install:tensorflow does it\.$/,
  ],
  ['auto', 'gpu', 'cpu', /^A GPU is demanded: TensorFlow finds no GPU that it can use\.$/],
  ['tensorflow', 'auto', 'cpu', 'tensorflow; onnx not-demanded, wasm not-demanded'],
  ['tensorflow', 'gpu', 'gpu', 'tensorflow; onnx not-demanded, wasm not-demanded'],
  [
    'tensorflow',
    'gpu',
    'cpu',
    /^The engine tensorflow is demanded: TensorFlow finds no GPU that it can use\.$/,
  ],
  ['tensorflow', 'auto', 'bare', /^The engine tensorflow is demanded: TensorFlow is not installed; npm run /],
  ['tensorflow', 'cpu', 'broken', /: TensorFlow cannot be loaded: no such library\.$/],
  ['onnx', 'auto', 'gpu', 'onnx; tensorflow not-demanded, wasm not-demanded'],
  ['wasm', 'cpu', 'bare', 'wasm; tensorflow not-demanded, onnx not-demanded'],
  ['onnx', 'gpu', 'gpu', /^The engine onnx computes on the CPU only; a GPU needs --engine tensorflow\.$/],
];

for (const [engine, device, where, expected] of rows) {
  test(`${engine} on ${device}, machine ${where}`, async () => {
    const choosing = chooseEngine({ engine, device, workers: 4 }, machines[where]);
    if (expected instanceof RegExp) {
      await assert.rejects(choosing, (error) => error instanceof UsageError && expected.test(error.message));
      return;
    }
    const { module, workers, buffer, options, passedOver } = await choosing;
    const taken = expected.split(';')[0] as 'onnx';
    assert.equal(module, engineModule(taken));
    assert.deepEqual([workers, options.threads], expected.startsWith('tensorflow') ? [1, 4] : [4, 1]);
    assert.equal(buffer.eager, workers === 1, 'one worker, in which batches meet');
    assert.equal(options.device, device);
    const others = passedOver.map((one) => `${one.engine} ${one.code}`).join(', ');
    assert.equal(`${taken}; ${others}`, expected);
    for (const { reason } of passedOver) assert.match(reason, /^[A-Z][^\n]*\.$/);
  });
}

test('this machine: TensorFlow is found exactly if it is installed, and the module taken can be loaded', async () => {
  const { module, passedOver } = await chooseEngine({ engine: 'auto', device: 'auto', workers: 1 });
  const missing = passedOver.some(({ engine, code }) => engine === 'tensorflow' && code === 'not-installed');
  assert.equal(missing, findBindings() === undefined);
  const { createEngine } = await import(module);
  assert.equal(typeof createEngine, 'function');
});
