// What only the TensorFlow engine has: a warm-up, and a device that can be demanded.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { convertSegments } from '../../src/engines/graph-def/convert.js';
import { createEngine, warmUp } from '../../src/engines/tensorflow.js';
import { everyStage } from '../../src/models/golden-outputs.js';
import { engines } from '../support/engines.js';
import { readTestNetwork } from '../support/exits.js';

const skip = engines.find(({ name }) => name === 'tensorflow')?.skip ?? false;

test('the warm-up runs every segment with every size of batch', { skip }, async () => {
  const stages = everyStage(readTestNetwork());
  const segments = await createEngine({ device: 'cpu' }).load(stages);
  const runs: [number, number][] = [];
  const watched = segments.map((segment, index) => ({
    ...segment,
    run(rows: Float32Array, batch: number) {
      runs.push([index, batch]);
      return segment.run(rows, batch);
    },
  }));
  await warmUp(convertSegments(stages), watched, 3);
  const sizes = [1, 2, 3];
  assert.deepEqual(
    runs,
    stages.flatMap((_, index) => sizes.map((batch) => [index, batch])),
  );
  await Promise.all(segments.map((segment) => segment.release()));
});

test('on the CPU, a GPU that is demanded is an error', { skip }, () => {
  assert.equal(createEngine({ device: 'cpu' }).device, 'cpu');
  assert.throws(() => createEngine({ device: 'gpu' }), /^Error: TensorFlow finds no GPU that it can use$/);
});
