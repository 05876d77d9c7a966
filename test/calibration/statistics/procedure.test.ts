import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choosePoint, countRejected } from '../../../src/calibration/statistics/procedure.js';

test('testing stops at the first hypothesis that is not rejected, and takes the one before', () => {
  assert.equal(countRejected([0.001, 0.05, 0.06, 0.001], 0.05), 2);
  assert.equal(countRejected([0.06, 0.001], 0.05), 0);
  assert.equal(countRejected([0.01, 0.02], 0.05), 2);
  assert.equal(countRejected([], 0.05), 0);
  assert.equal(countRejected([0.01, Number.NaN, 0.01], 0.05), 1, 'what is no number rejects nothing');
});

test('a risk alone takes the last point certified on the way from λ_0', () => {
  assert.deepEqual(choosePoint({ risk: [1, 0.01, 0.02, 0.2, 0.01] }, 0.05), { kind: 'point', index: 2 });
  assert.deepEqual(choosePoint({ risk: [1, 0.2, 0.01] }, 0.05), { kind: 'none' });
});

test('a budget alone takes the last point certified on the way back from the aggressive end', () => {
  assert.deepEqual(choosePoint({ cost: [1, 0.01, 0.2, 0.03, 0.001] }, 0.05), { kind: 'point', index: 3 });
  assert.deepEqual(choosePoint({ cost: [0, 0, 0] }, 0.05), { kind: 'point', index: 0 });
  assert.deepEqual(choosePoint({ cost: [0.01, 0.01, 0.1] }, 0.05), {
    kind: 'infeasible',
    because: 'budget',
  });
});

test('with both, each is tested at the level and neither is bent', () => {
  const risk = [1, 0.001, 0.02, 0.03, 0.5];
  const cost = [1, 0.5, 0.02, 0.01, 0.001];
  assert.deepEqual(choosePoint({ risk, cost }, 0.025), { kind: 'point', index: 2 });
  assert.deepEqual(choosePoint({ risk, cost }, 0.035), { kind: 'point', index: 3 });
  const dear = [1, 0.5, 0.03, 0.01, 0.001];
  assert.deepEqual(choosePoint({ risk, cost: dear }, 0.025), { kind: 'infeasible', because: 'both' });
  assert.deepEqual(choosePoint({ risk: [1, 0.3], cost: [0, 0] }, 0.025), { kind: 'point', index: 0 });
});
