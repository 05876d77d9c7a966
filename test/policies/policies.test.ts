import assert from 'node:assert/strict';
import { test } from 'node:test';
import { policies, policyNames } from '../../src/policies/policies.js';
import { clears } from '../../src/policies/policy.js';
import { argmax, softmax } from '../../src/policies/probabilities.js';

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
  close(policies.entropy.score(new Float32Array(10).fill(0.1), 1), 1);
  close(policies.entropy.score(Float32Array.of(1, 0, 0), 1), 0);
  const expected = -(0.5 * Math.log(0.5) + 2 * 0.25 * Math.log(0.25)) / Math.log(3);
  close(policies.entropy.score(Float32Array.of(0.25, 0.5, 0.25), 1), expected);
});

test('margin is the gap between the two largest probabilities, wherever they stand', () => {
  close(policies.margin.score(Float32Array.of(0.2, 0.7, 0.1), 1), 0.5);
  close(policies.margin.score(Float32Array.of(0.7, 0.1, 0.2), 1), 0.5);
  close(policies.margin.score(Float32Array.of(0.5, 0.5), 1), 0);
});

test('argmax takes the first of equals', () => {
  assert.equal(argmax(Float32Array.of(0.1, 0.4, 0.4, 0.1)), 1);
});

test('each policy compares its own score, in its own direction', () => {
  const probabilities = Float32Array.of(0.2, 0.7, 0.1);
  close(policies['max-softmax'].score(probabilities, 3), 0.7);
  close(policies.margin.score(probabilities, 3), 0.5);
  assert.equal(policies.patience.score(probabilities, 3), 3);
  close(policies.entropy.score(probabilities, 3), policies.entropy.score(probabilities, 1));

  assert.equal(clears(policies.entropy, 0.1, 0.2), true);
  assert.equal(clears(policies.entropy, 0.2, 0.2), false);
  assert.equal(clears(policies['max-softmax'], 0.9, 0.9), true);
  assert.equal(clears(policies.margin, 0.8, 0.9), false);
  assert.equal(clears(policies.patience, 2, 2), true);
});

test('a score that is not a number never lets an image leave', () => {
  for (const name of policyNames) {
    const policy = policies[name];
    const score = policy.score(softmax(Float32Array.of(Number.NaN, 1, 2)), 2);
    assert.ok(Number.isNaN(score), name);
    assert.equal(clears(policy, score, 0), false);
  }
});
