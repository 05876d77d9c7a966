// p-values against exact fractions and high-precision arithmetic, and their validity under the null by simulation.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { upperMeanBound } from '../../../src/calibration/statistics/mean-bound.js';
import {
  bettingPValue,
  binomialPValue,
  hoeffdingBentkusPValue,
} from '../../../src/calibration/statistics/p-values.js';
import { createUniform } from '../../../src/foundation/random.js';
import { exactBinomialCdf, exactHoeffding, toNumber } from './exact.js';
import { atMostWithLuck } from './luck.js';

const within = (actual: number, expected: number, relative: number) =>
  assert.ok(Math.abs(actual - expected) <= relative * expected, `${actual} for ${expected}`);

test('so many disagreements certify at δ = 0.05, and not one more', () => {
  for (const [n, thousandths, most] of [
    [1000, 10, 4],
    [5000, 10, 38],
    [5000, 5, 16],
    [10_000, 10, 83],
  ] as const) {
    for (const total of [most, most + 1]) {
      const p = binomialPValue(total, n, thousandths / 1000);
      assert.equal(p <= 0.05, total === most, `${total} of ${n} at ${thousandths / 10} %`);
      within(p, toNumber(exactBinomialCdf(total, n, thousandths, 1000)), 1e-12);
    }
  }
});

test('Hoeffding–Bentkus is the smaller of two bounds computed exactly', () => {
  const smaller: string[] = [];
  for (const [total, n, thousandths] of [
    [0, 1000, 10],
    [4, 1000, 10],
    [30, 5000, 10],
    [1, 200, 50],
    [400, 2000, 250],
    [900, 2000, 500],
  ] as const) {
    const hoeffding = toNumber(exactHoeffding(total, n, thousandths, 1000));
    const bentkus = Math.E * toNumber(exactBinomialCdf(total, n, thousandths, 1000));
    smaller.push(hoeffding < bentkus ? 'hoeffding' : 'bentkus');
    within(hoeffdingBentkusPValue(total, n, thousandths / 1000), Math.min(1, hoeffding, bentkus), 1e-11);
  }
  assert.deepEqual([...new Set(smaller)].sort(), ['bentkus', 'hoeffding'], 'both parts were the smaller one');
});

test('Hoeffding–Bentkus rounds a broken number of losses up, and is 1 at and above ε', () => {
  const bentkus = Math.E * toNumber(exactBinomialCdf(4, 1000, 10, 1000));
  within(hoeffdingBentkusPValue(3.9, 1000, 0.01), bentkus, 1e-11);
  assert.equal(hoeffdingBentkusPValue(10, 1000, 0.01), 1);
  assert.equal(hoeffdingBentkusPValue(1000, 1000, 0.01), 1);
});

test('betting agrees with 50-digit arithmetic', () => {
  // Expected values: the definition written out in mpmath 1.3 (mp.dps = 50), no code shared.
  const mixed = (n: number) =>
    Array.from({ length: n }, (_, i) => (i % 97 === 13 ? 1 : i % 53 === 7 ? -1 : 0));
  within(bettingPValue(mixed(10), 0.1, 0.05), 0.2019512468440404, 1e-12);
  within(bettingPValue(mixed(400), 0.05, 0.05), 3.645966912533128e-6, 1e-11);
  within(bettingPValue(mixed(1000), 0.01, 0.1), 0.006203640387190138, 1e-11);
  within(bettingPValue(mixed(1000), 0.02, 0.05), 0.00006733174029371675, 1e-11);
  const lateLosses = [...new Array<number>(60).fill(0), ...new Array<number>(20).fill(1)];
  within(bettingPValue(lateLosses, 0.1, 0.05), 0.003611968563946063, 1e-11);
  assert.equal(bettingPValue([1, 1, 1, 1, 1], 0.5, 0.05), 1);
});

/** Draws `rounds` p-values and counts those at or below each level. */
function shareBelow(levels: readonly number[], rounds: number, draw: () => number): number[] {
  const found = Array.from({ length: rounds }, draw);
  return levels.map((level) => found.filter((p) => p <= level).length);
}

const levels = [0.01, 0.05, 0.1, 0.3];
const rounds = 3000;

test('binomial: a risk of just ε looks safe no more often than the level says', () => {
  const uniform = createUniform(11);
  const [n, epsilon] = [500, 0.02];
  const draw = (risk: number) => () => {
    let total = 0;
    for (let i = 0; i < n; i++) total += uniform() < risk ? 1 : 0;
    return binomialPValue(total, n, epsilon);
  };
  const counts = shareBelow(levels, rounds, draw(epsilon));
  levels.forEach((level, i) => {
    atMostWithLuck(counts[i] as number, rounds, level);
  });
  const [, found = 0] = shareBelow(levels, rounds, draw(epsilon / 5));
  assert.ok(found > 0.9 * rounds, `a fifth of ε is found safe: ${found} of ${rounds}`);
});

test('Hoeffding–Bentkus: so with losses anywhere in [0, 1]', () => {
  const uniform = createUniform(12);
  const [n, epsilon] = [200, 0.3];
  // Two out of three at 0.9 · u² (mean 0.3), the others at 0.3.
  const draw = (scale: number) => () => {
    let total = 0;
    for (let i = 0; i < n; i++) total += scale * (uniform() < 2 / 3 ? 0.9 * uniform() ** 2 : 0.3);
    return hoeffdingBentkusPValue(total, n, epsilon);
  };
  const counts = shareBelow(levels, rounds, draw(1));
  levels.forEach((level, i) => {
    atMostWithLuck(counts[i] as number, rounds, level);
  });
  const [, found = 0] = shareBelow(levels, rounds, draw(0.6));
  assert.ok(found > 0.9 * rounds, `0.6 ε is found safe: ${found} of ${rounds}`);
});

test('betting: so with losses of either sign', () => {
  const uniform = createUniform(13);
  const [n, epsilon] = [400, 0.02];
  const draw = (gain: number, loss: number) => () => {
    const losses = Int8Array.from({ length: n }, () => {
      const u = uniform();
      return u < loss ? 1 : u < loss + gain ? -1 : 0;
    });
    return bettingPValue(losses, epsilon, 0.05);
  };
  const counts = shareBelow(levels, rounds, draw(0.01, 0.03));
  levels.forEach((level, i) => {
    atMostWithLuck(counts[i] as number, rounds, level);
  });
  const [, found = 0] = shareBelow(levels, rounds, draw(0.03, 0.002));
  assert.ok(found > 0.9 * rounds, `a gain is found safe: ${found} of ${rounds}`);
});

test('the upper bound of a mean is where the p-value crosses δ, and covers the mean', () => {
  const bound = upperMeanBound(120, 1000, 0.05);
  assert.ok(bound > 0.12 && bound < 0.16);
  assert.ok(hoeffdingBentkusPValue(120, 1000, bound) <= 0.05);
  assert.ok(hoeffdingBentkusPValue(120, 1000, bound - 1e-9) > 0.05);
  assert.equal(upperMeanBound(10, 10, 0.05), 1);

  const uniform = createUniform(14);
  let missed = 0;
  for (let round = 0; round < 1000; round++) {
    let total = 0;
    for (let i = 0; i < 100; i++) total += uniform() ** 3;
    if (upperMeanBound(total, 100, 0.1) < 1 / 4) missed += 1;
  }
  atMostWithLuck(missed, 1000, 0.1);
});
