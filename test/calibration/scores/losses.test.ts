import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExitTable } from '../../../src/calibration/scores/exit-table.js';
import { lossesOf, pValueOf } from '../../../src/calibration/scores/losses.js';
import { bettingPValue, binomialPValue } from '../../../src/calibration/statistics/p-values.js';

// Five images, two exits: what each answers, and what is true.
const table: ExitTable = {
  policy: 'entropy',
  images: 5,
  labels: [Int32Array.of(0, 1, 2, 0, 1), Int32Array.of(0, 2, 1, 1, 1)],
  scores: [new Float64Array(5), new Float64Array(5)],
  truth: Int32Array.of(0, 1, 1, 2, 1),
};
const allEarly = new Uint8Array(5);

test('consistency counts answers that are not the final exit’s, right or wrong', () => {
  assert.deepEqual([...lossesOf('consistency', table, allEarly)], [0, 1, 1, 1, 0]);
  assert.deepEqual([...lossesOf('consistency', table, Uint8Array.of(0, 1, 0, 1, 0))], [0, 0, 1, 0, 0]);
});

test('the error increase is a gain where only the early answer is right', () => {
  assert.deepEqual([...lossesOf('error', table, allEarly)], [0, -1, 1, 0, 0]);
});

test('without true classes there is consistency but no error', () => {
  const { truth: _, ...unlabelled } = table;
  assert.deepEqual([...lossesOf('consistency', unlabelled, allEarly)], [0, 1, 1, 1, 0]);
  assert.throws(() => lossesOf('error', unlabelled, allEarly), /true classes/);
});

test('each loss has its own test', () => {
  const losses = Int8Array.from({ length: 300 }, (_, index) => Number(index === 7));
  assert.equal(pValueOf('consistency', losses, 0.03, 0.05), binomialPValue(1, 300, 0.03));
  assert.equal(pValueOf('error', losses, 0.03, 0.05), bettingPValue(losses, 0.03, 0.05));
});
