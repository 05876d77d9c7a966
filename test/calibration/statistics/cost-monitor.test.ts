// The test of a client's compute: its evidence against its definition, its false alarms, and how soon it finds what.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logBinomialCdf } from '../../../src/calibration/statistics/binomial.js';
import {
  costEvidence,
  createCostEvidence,
  observeCost,
} from '../../../src/calibration/statistics/cost-monitor.js';
import { upperShareBound } from '../../../src/calibration/statistics/mean-bound.js';
import { reachOdds } from '../../../src/calibration/statistics/reach-odds.js';
import { createUniform } from '../../../src/foundation/random.js';
import { atMostWithLuck } from './luck.js';

const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) <= 1e-12 * Math.max(1, expected), `${actual}, expected ${expected}`);

function evidenceAfter(odds: readonly number[]): number {
  const evidence = createCostEvidence();
  for (const one of odds) observeCost(evidence, one);
  return costEvidence(evidence);
}

/** The mixture term by term: every start with every bet, and what has no start yet. */
function byDefinition(odds: readonly number[]): number {
  const reserve = (images: number) => 0.25 / Math.sqrt(1 + images / 1000);
  const weights = [0.75 + reserve(0) - reserve(1)];
  for (let start = 1; start < odds.length; start++) weights.push(reserve(start) - reserve(start + 1));
  let sum = reserve(odds.length);
  for (const [bet, share] of [
    [0.2, 0.85],
    [0.05, 0.15],
  ] as const) {
    for (const [start, weight] of weights.entries()) {
      sum += share * weight * odds.slice(start).reduce((product, one) => product * (1 + bet * (one - 1)), 1);
    }
  }
  return sum;
}

test('the evidence is the mixture of all bets from all starts', () => {
  close(evidenceAfter([]), 1);
  const uniform = createUniform(1);
  for (let round = 0; round < 50; round++) {
    const odds = Array.from({ length: 1 + round }, () => 5 * uniform() ** 3);
    close(evidenceAfter(odds), byDefinition(odds));
  }
});

test('under the certificate the evidence is 1 in the mean, over every sequence of exits there can be', () => {
  const shares = [0.6, 0.3, 0.1];
  const odds = [0, 1 / 0.4 / 2, (1 / 0.4 + 1 / 0.1) / 2];
  let mean = 0;
  for (let code = 0; code < 3 ** 8; code++) {
    const exits = Array.from({ length: 8 }, (_, place) => Math.floor(code / 3 ** place) % 3);
    const probability = exits.reduce((product, exit) => product * (shares[exit] as number), 1);
    mean += probability * evidenceAfter(exits.map((exit) => odds[exit] as number));
  }
  close(mean, 1);
});

/** The exit that has this quantile. */
function exitOf(quantile: number, shares: readonly number[]): number {
  let above = 0;
  const exit = shares.findIndex((share) => {
    above += share;
    return quantile < above;
  });
  return exit < 0 ? shares.length - 1 : exit;
}

/** Images until the evidence reaches 1/α; Infinity: it does not within `images`. */
function alarmAfter(
  alpha: number,
  odds: readonly number[],
  images: number,
  uniform: () => number,
  sharesAt: (image: number) => readonly number[],
): number {
  const evidence = createCostEvidence();
  for (let image = 0; image < images; image++) {
    const exit = exitOf(uniform(), sharesAt(image));
    observeCost(evidence, odds[exit] as number);
    if (costEvidence(evidence) >= 1 / alpha) return image + 1;
  }
  return Number.POSITIVE_INFINITY;
}

const SHARES = [0.6, 0.2, 0.1, 0.1];
/** Odds without any margin, so that the mean of the odds is exactly 1. */
const FAIR = [0, 1 / 0.4, 1 / 0.4 + 1 / 0.2, 1 / 0.4 + 1 / 0.2 + 1 / 0.1].map((sum) => sum / 3);

for (const alpha of [0.05, 0.2]) {
  test(`of 1,000 clients exactly as certified, at most α = ${alpha} alarm in 2,000 images`, () => {
    const delays = Array.from({ length: 1000 }, (_, seed) =>
      alarmAfter(alpha, FAIR, 2000, createUniform(seed), () => SHARES),
    );
    const count = delays.filter(Number.isFinite).length;
    atMostWithLuck(count, 1000, alpha);
    assert.ok(count > 0, 'the test can see alarms');
  });
}

test('a client that sends its deep images in bursts, but never more than certified, alarms no more often', () => {
  const early = [0.9, 0.06, 0.02, 0.02];
  const delays = Array.from({ length: 1000 }, (_, seed) =>
    alarmAfter(0.05, FAIR, 2000, createUniform(seed), (image) => (image % 200 < 100 ? SHARES : early)),
  );
  atMostWithLuck(delays.filter(Number.isFinite).length, 1000, 0.05);
});

test('observing the deepest images first breaks this', () => {
  const delays = Array.from({ length: 200 }, (_, seed) => {
    const uniform = createUniform(seed);
    const deep = Array.from({ length: 2000 }, () => uniform() < 0.1).filter(Boolean).length;
    const evidence = createCostEvidence();
    for (let image = 0; image < deep; image++) observeCost(evidence, FAIR[3] as number);
    return costEvidence(evidence) >= 20;
  });
  assert.ok(delays.every(Boolean));
});

// The figures that docs/slowdown.md states.
test('a client that doubles its deep images is found, also after 10,000 good ones', () => {
  const slow = [0.2, 0.4, 0.2, 0.2];
  const median = (good: number) =>
    Array.from(
      { length: 100 },
      (_, seed) =>
        alarmAfter(1e-3, FAIR, good + 5000, createUniform(seed), (image) => (image < good ? SHARES : slow)) -
        good,
    ).sort((a, b) => a - b)[50] as number;
  assert.ok(median(0) <= 60, `${median(0)}`);
  assert.ok(median(10_000) <= 150, `${median(10_000)}`);
});

test('the bound of a share is where the binomial distribution says δ', () => {
  for (const [count, images, delta] of [
    [0, 100, 0.05],
    [89, 1000, 0.01],
    [2499, 2500, 0.001],
  ] as const) {
    const bound = upperShareBound(count, images, delta);
    assert.ok(Math.abs(Math.exp(logBinomialCdf(count, images, bound)) - delta) < 1e-9);
  }
  assert.ok(Math.abs(upperShareBound(0, 100, 0.05) - (1 - 0.05 ** 0.01)) < 1e-12);
  assert.equal(upperShareBound(10, 10, 0.05), 1);
});

test('the odds grow with depth, are 1 in the mean at the bounds, and shrink with the tolerance', () => {
  const calibration = { exitShares: [0, 0.5, 0.3, 0.2], sideExits: [1, 2], images: 2500, delta: 0.01 };
  const odds = reachOdds({ ...calibration, tolerance: 0 });
  const [behind1, behind2] = [1250, 500].map((count) => upperShareBound(count, 2500, 0.005)) as [
    number,
    number,
  ];
  assert.deepEqual(odds.slice(0, 2), [0, 0]);
  close(odds[2] as number, 1 / behind1 / 2);
  close(odds[3] as number, (1 / behind1 + 1 / behind2) / 2);
  close((behind1 - behind2) * (odds[2] as number) + behind2 * (odds[3] as number), 1);
  const tolerant = reachOdds({ ...calibration, tolerance: 0.25 });
  close(tolerant[3] as number, (odds[3] as number) / 1.25);
  assert.deepEqual(reachOdds({ ...calibration, sideExits: [], tolerance: 0 }), [1, 1, 1, 1]);
});
