// What only the TensorFlow engine has: a warm-up, and a device that can be demanded.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { convertSegments } from '../../src/engines/graph-def/convert.js';
import { createEngine, warmUp } from '../../src/engines/tensorflow/engine.js';
import { everyStage } from '../../src/packages/golden-outputs.js';
import { engines } from '../support/engines/engines.js';
import { readTestNetwork } from '../support/packages/exits.js';
import { runNode } from '../support/service/serve-process.js';
import { temporaryFolder } from '../support/temporary-folder.js';

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

test('what TensorFlow notes while it is tried is shown to those who ask for it', { skip }, async (t) => {
  const probe = new URL('../../src/engines/tensorflow/probe.js', import.meta.url);
  const script = join(temporaryFolder(), 'try.mjs');
  await writeFile(script, `import { probeTensorFlow } from '${probe.href}'; await probeTensorFlow('cpu');`);
  const tried = (level: string) => runNode(t, [script], { TF_CPP_MIN_LOG_LEVEL: level }).ended;
  assert.equal((await tried('2')).stderr, '');
  assert.match((await tried('0')).stderr, /Reading SavedModel from/);
});
