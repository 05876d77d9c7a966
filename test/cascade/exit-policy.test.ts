import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  argmax,
  clears,
  margin,
  normalisedEntropy,
  scoreOf,
  softmax,
} from '../../src/cascade/exit-policy.js';

const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-6, `${actual}`);

test('softmax gives probabilities and survives logits that would overflow', () => {
  const [a, b, c] = softmax(Float32Array.of(0, Math.log(2), Math.log(5)));
  close(a as number, 1 / 8);
  close(b as number, 2 / 8);
  close(c as number, 5 / 8);
  assert.deepEqual([...softmax(Float32Array.of(1000, -1000))], [1, 0]);
});

test('normalised entropy is 1 for the uniform distribution, 0 for certainty, and H/ln C between', () => {
  close(normalisedEntropy(new Float32Array(10).fill(0.1)), 1);
  close(normalisedEntropy(Float32Array.of(1, 0, 0)), 0);
  const expected = -(0.5 * Math.log(0.5) + 2 * 0.25 * Math.log(0.25)) / Math.log(3);
  close(normalisedEntropy(Float32Array.of(0.25, 0.5, 0.25)), expected);
});

test('margin is the gap between the two largest probabilities, wherever they stand', () => {
  close(margin(Float32Array.of(0.2, 0.7, 0.1)), 0.5);
  close(margin(Float32Array.of(0.7, 0.1, 0.2)), 0.5);
  close(margin(Float32Array.of(0.5, 0.5)), 0);
});

test('argmax takes the first of equals', () => {
  assert.equal(argmax(Float32Array.of(0.1, 0.4, 0.4, 0.1)), 1);
});

test('each policy compares its own score, in its own direction', () => {
  const probabilities = Float32Array.of(0.2, 0.7, 0.1);
  close(scoreOf('max-softmax', probabilities, 3), 0.7);
  close(scoreOf('margin', probabilities, 3), 0.5);
  assert.equal(scoreOf('patience', probabilities, 3), 3);
  close(scoreOf('entropy', probabilities, 3), normalisedEntropy(probabilities));

  assert.equal(clears('entropy', 0.1, 0.2), true);
  assert.equal(clears('entropy', 0.2, 0.2), false);
  assert.equal(clears('max-softmax', 0.9, 0.9), true);
  assert.equal(clears('margin', 0.8, 0.9), false);
  assert.equal(clears('patience', 2, 2), true);
});

test('a score that is not a number never lets an image leave', () => {
  for (const policy of ['entropy', 'max-softmax', 'margin', 'patience'] as const) {
    const score = scoreOf(policy, softmax(Float32Array.of(Number.NaN, 1, 2)), 2);
    assert.ok(Number.isNaN(score), policy);
    assert.equal(clears(policy, score, 0), false);
  }
});
