// The binomial distribution against sums of exact fractions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logBinomialCdf, logBinomialPmf } from '../../../src/calibration/statistics/binomial.js';
import { exactBinomialCdf, exactBinomialTerms, toNumber } from './exact.js';

const within = (actual: number, expected: number, relative: number, what: string) =>
  assert.ok(
    Math.abs(actual - expected) <= relative * Math.abs(expected),
    `${what}: ${actual} for ${expected}`,
  );

test('the distribution function agrees with exact fractions, far out in both tails', () => {
  for (const [n, thousandths] of [
    [1, 500],
    [7, 300],
    [16, 10],
    [40, 900],
    [300, 5],
    [1000, 10],
    [900, 250],
  ] as const) {
    for (const k of new Set([
      0,
      1,
      2,
      5,
      Math.floor((n * thousandths) / 1000),
      Math.floor(n / 2),
      n - 1,
      n,
    ])) {
      if (k > n) continue;
      const expected = toNumber(exactBinomialCdf(k, n, thousandths, 1000));
      const actual = Math.exp(logBinomialCdf(k, n, thousandths / 1000));
      within(actual, expected, 1e-12, `F(${k}; ${n}, ${thousandths / 1000})`);
    }
  }
});

test('single probabilities agree with exact fractions', () => {
  const { terms, denominator } = exactBinomialTerms(60, 30, 1000, 60);
  terms.forEach((term, k) => {
    within(Math.exp(logBinomialPmf(k, 60, 0.03)), toNumber([term, denominator]), 1e-12, `P(X = ${k})`);
  });
});

test('beyond its range the distribution function is 0 and 1', () => {
  assert.equal(logBinomialCdf(-1, 10, 0.3), Number.NEGATIVE_INFINITY);
  assert.equal(logBinomialCdf(10, 10, 0.3), 0);
});

test('where no double could hold the probability, its logarithm still does', () => {
  // ln 0.5^5000, whose probability is 10^-1505.
  within(logBinomialCdf(0, 5000, 0.5), 5000 * Math.log(0.5), 1e-14, 'ln F(0; 5000, ½)');
});
