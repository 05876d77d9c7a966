import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lastStep } from '../../src/network/execution-path.js';
import { networkOf } from '../../src/network/network.js';
import { servedModelOf } from '../../src/serving/catalog.js';
import { createPlan } from '../../src/serving/plan.js';
import { writeProfiledPackage } from '../support/packages/profiled-package.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const { package: made } = await writeProfiledPackage(temporaryFolder());
const stages = [10, 10, 20];
const heads = [100, 1, 0];
/** Under the profile `full`, where only the head of the last exit runs, its exits cost 110, 21 and 40. */
const dear = {
  ...made,
  manifest: {
    ...made.manifest,
    exits: made.manifest.exits.map((exit, index) => ({
      ...exit,
      flops: { stage: stages[index] ?? 0, head: heads[index] ?? 0, cumulative: 0 },
    })),
  },
};
const dearAtFirst = servedModelOf(dear, networkOf(dear), { name: 'onnx', device: 'cpu' }, new Map());
const stopOf = (maxFlops: number, maxExit?: number) => {
  const options = { profile: 'full', maxFlops, ...(maxExit !== undefined && { maxExit }) };
  return lastStep(createPlan(dearAtFirst, options).path).exit;
};

test('maxFlops is kept if an early exit costs more than later ones, up to maxExit', () => {
  assert.deepEqual(
    [stopOf(110), stopOf(50), stopOf(39), stopOf(110, 1), stopOf(50, 1), stopOf(110, 0)],
    [2, 2, 1, 1, 1, 0],
  );
  for (const maxFlops of [50, 109]) {
    assert.throws(() => stopOf(maxFlops, 0), {
      type: 'invalid-query',
      message: /exit of tiny\/1 up to 0 costs 110\.$/,
    });
  }
});

test('the refusal of a budget names the cheapest exit, even if it is not the first', () => {
  assert.throws(() => stopOf(20), { type: 'invalid-query', message: /cheapest exit of tiny\/1 costs 21\.$/ });
});
