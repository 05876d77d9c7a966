// When two answers to one image, from different engines, count as the same.
import assert from 'node:assert/strict';
import type { Prediction } from '../../src/serving/prediction.js';

/** Of a probability or score; what rounding can do. */
const TOLERANCE = 1e-4;

/** Asserts that the answers are the same, but for a decision that rounding may turn. @returns whether it was turned */
export function assertSameAnswer(actual: Prediction, expected: Prediction, what: string): boolean {
  if (actual.exit.index !== expected.exit.index) {
    const earlier = actual.exit.index < expected.exit.index ? actual : expected;
    const distance = Math.abs(earlier.exit.score - (earlier.exit.threshold ?? Number.NaN));
    assert.ok(distance <= TOLERANCE, `${what}: exits ${actual.exit.index} and ${expected.exit.index}`);
    return true;
  }
  assert.equal(actual.exit.reason, expected.exit.reason, what);
  assert.equal(actual.flops.executed, expected.flops.executed, what);
  assert.ok(Math.abs(actual.exit.score - expected.exit.score) <= TOLERANCE, `${what}: scores`);
  const probabilities = new Map(expected.top.map((one) => [one.classIndex, one.probability]));
  for (const { classIndex, probability } of actual.top) {
    const difference = Math.abs(probability - (probabilities.get(classIndex) ?? Number.NaN));
    assert.ok(difference <= TOLERANCE, `${what}, class ${classIndex}: off by ${difference}`);
  }
  const turned = actual.classIndex !== expected.classIndex;
  if (turned) {
    const [first, second] = expected.top;
    assert.ok((first?.probability ?? 0) - (second?.probability ?? 0) <= TOLERANCE, `${what}: labels`);
  }
  return turned;
}
