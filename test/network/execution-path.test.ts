import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ManifestExit } from '../../src/format/manifest.js';
import { fullProfile } from '../../src/format/profiles.js';
import {
  buildPath,
  deepestExitWithin,
  fullFlops,
  pathsOf,
  segmentsOf,
} from '../../src/network/execution-path.js';

const exit = (name: string, stage: number, head: number): ManifestExit => ({
  name,
  logits: name,
  flops: { stage, head, cumulative: 0 },
});
const exits = [exit('a', 100, 10), exit('b', 200, 20), exit('c', 400, 40), exit('final', 800, 0)];
const profile = (...thresholds: (number | null)[]) => ({ thresholds });

test('a path makes one step for each active exit, and pays for no head of an inactive one', () => {
  assert.deepEqual(buildPath(exits, profile(0.1, null, 0.3)), [
    { from: -1, exit: 0, threshold: 0.1, flops: 110 },
    { from: 0, exit: 2, threshold: 0.3, flops: 100 + 10 + 200 + 400 + 40 },
    { from: 2, exit: 3, threshold: null, flops: 1500 + 50 },
  ]);
});

test('full runs the backbone alone', () => {
  assert.deepEqual(buildPath(exits, fullProfile(4)), [{ from: -1, exit: 3, threshold: null, flops: 1500 }]);
  assert.equal(fullFlops(exits), 1500);
});

test('a path can be stopped at an exit, active or not', () => {
  assert.deepEqual(buildPath(exits, profile(0.1, null, 0.3), 1), [
    { from: -1, exit: 0, threshold: 0.1, flops: 110 },
    { from: 0, exit: 1, threshold: null, flops: 330 },
  ]);
  assert.deepEqual(buildPath(exits, profile(null, 0.2, null), 1), [
    { from: -1, exit: 1, threshold: 0.2, flops: 320 },
  ]);
  assert.throws(() => buildPath(exits, profile(0.1, 0.1, 0.1), 4), /bug in rdi-serve/);
});

test('a budget takes the deepest exit whose whole path fits', () => {
  const sparse = pathsOf(exits, profile(0.1, null, 0.3));
  assert.equal(deepestExitWithin(sparse, 1550), 3);
  assert.equal(deepestExitWithin(sparse, 1549), 2);
  assert.equal(deepestExitWithin(sparse, 330), 1);
  assert.equal(deepestExitWithin(sparse, 110), 0);
  assert.equal(deepestExitWithin(sparse, 109), -1);
});

test('a profile needs one segment for each exit, so that any stop can be reached', () => {
  assert.deepEqual(segmentsOf(exits, profile(0.1, null, 0.3)), [
    { from: -1, to: 0 },
    { from: 0, to: 1 },
    { from: 0, to: 2 },
    { from: 2, to: 3 },
  ]);
});
