// Risks on the images and on their adversarial copies in one test: both hold, or the path ends earlier.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calibrate } from '../../src/calibration/certify.js';
import type { RiskLimit } from '../../src/calibration/goal.js';
import { renderPlot } from '../../src/calibration/plot.js';
import { createExitTable, type ExitTable } from '../../src/calibration/scores/exit-table.js';
import { checkCopies, selectPairs } from '../../src/calibration/scores/paired-tables.js';
import type { Recording } from '../../src/calibration/scores/recording.js';
import { testPath } from '../../src/calibration/search/evaluate-path.js';
import { freeze } from '../../src/calibration/search/threshold-path.js';
import type { ManifestExit } from '../../src/format/manifest.js';
import { exactBinomialCdf, toNumber } from './statistics/exact.js';
import { classes, exits, syntheticRecording } from './synthetic.js';

const clean = (epsilon: number): RiskLimit => ({ loss: 'consistency', data: 'clean', epsilon });
const copies = (epsilon: number): RiskLimit => ({ loss: 'consistency', data: 'adversarial', epsilon });

/** One side exit; image i has score i / 100 there, and these images another answer than the final exit gives. */
function byHand(differing: readonly number[]): ExitTable {
  const early = new Int32Array(100);
  for (const image of differing) early[image] = 1;
  return {
    policy: 'entropy',
    images: 100,
    labels: [early, new Int32Array(100)],
    scores: [Float64Array.from(early, (_, image) => image / 100), new Float64Array(100)],
  };
}

const twoExits: readonly ManifestExit[] = [
  { name: 'early', logits: 'a', cut: 'x', flops: { stage: 10, head: 1, cumulative: 11 } },
  { name: 'final', logits: 'b', flops: { stage: 90, head: 0, cumulative: 101 } },
];
/** On the images 0, 0 and 1 answers differ; on the copies 1, 4 and 6. */
const cal = { clean: byHand([60]), adversarial: byHand([5, 20, 30, 45, 70, 75]) };
const path = freeze('entropy', [[null], [0.1], [0.5], [0.9]]);
const decide = (...risks: RiskLimit[]) => testPath(path, cal, twoExits, { risks, delta: 0.05 });

test('the largest p-value decides, image and copy alike, by the exact binomial', () => {
  const { points, choice } = decide(clean(0.05), copies(0.1));
  const p = (k: number, percent: number) => toNumber(exactBinomialCdf(k, 100, percent, 100));
  const expected = [
    [p(0, 5), p(1, 10)],
    [p(0, 5), p(4, 10)],
    [p(1, 5), p(6, 10)],
  ];
  for (const [index, values] of expected.entries()) {
    const point = points[index + 1];
    point?.risks.forEach(({ pValue }, risk) => {
      assert.ok(
        Math.abs(pValue - (values[risk] ?? -1)) < 1e-12,
        `point ${index + 1}, risk ${risk}: ${pValue}`,
      );
    });
    assert.equal(point?.pValue, Math.max(...(point?.risks ?? []).map(({ pValue }) => pValue)));
  }
  assert.deepEqual(
    points[3]?.risks.map(({ data, observed }) => [data, observed]),
    [
      ['clean', 0.01],
      ['adversarial', 0.06],
    ],
  );
  assert.deepEqual(choice, { kind: 'point', index: 2 });
});

test('too high a risk on the copies ends the path earlier, or leaves nothing', () => {
  assert.deepEqual(decide(clean(0.05)).choice, { kind: 'point', index: 3 });
  assert.deepEqual(decide(clean(0.05), copies(0.1)).choice, { kind: 'point', index: 2 });
  assert.deepEqual(decide(clean(0.05), copies(0.06)).choice, { kind: 'point', index: 1 });
  assert.deepEqual(decide(clean(0.05), copies(0.04)).choice, { kind: 'none' });
  const budget = { risks: [clean(0.05), copies(0.04)], delta: 0.05, budgetFlops: 50 };
  assert.deepEqual(testPath(path, cal, twoExits, budget).choice, { kind: 'infeasible', because: 'both' });
});

test('cost and exits are those of the images, whatever the copies do', () => {
  for (const [index, { meanFlops, exitShares }] of decide(clean(0.05), copies(0.1)).points.entries()) {
    const alone = decide(clean(0.05)).points[index];
    assert.deepEqual([meanFlops, exitShares], [alone?.meanFlops, alone?.exitShares]);
  }
});

test('a copy goes where its image goes', () => {
  const indices = Uint32Array.of(60, 5, 99);
  const chosen = selectPairs(cal, indices);
  assert.deepEqual([...(chosen.clean.scores[0] ?? [])], [0.6, 0.05, 0.99]);
  assert.deepEqual([...(chosen.adversarial?.labels[0] ?? [])], [0, 1, 0]);
  assert.equal('adversarial' in selectPairs({ clean: cal.clean }, indices), false);
});

/** On the copies the first exit is sure of a wrong answer; the others see what they see on the images. */
function foolFirstExit(recording: Recording): Recording {
  const logits = Float32Array.from(recording.logits);
  for (let image = 0; image < recording.images; image++) {
    const row = image * recording.exits * classes;
    logits.set([0, 0, 0, 0], row);
    logits[row + (((recording.truth?.[image] ?? 0) + 1) % classes)] = 9;
  }
  return { ...recording, logits, dataSha256: '2'.repeat(64) };
}

const recording = syntheticRecording(4000, 31);
const attacked = foolFirstExit(recording);
const tables = {
  clean: createExitTable(recording, 'entropy'),
  adversarial: createExitTable(attacked, 'entropy'),
};
const certified = (...risks: RiskLimit[]) => {
  const tested = calibrate([tables], exits, { risks, delta: 0.05 }, { tuneShare: 0.5, seed: 1 });
  const point = tested.choice.kind === 'point' ? tested.points[tested.choice.index] : undefined;
  return { tested, point };
};

test('the path avoids an exit that the attack fools, and leaves at the next', () => {
  const alone = certified(clean(0.02)).point;
  assert.ok(alone && alone.thresholds[0] !== null);
  const { point } = certified(clean(0.02), copies(0.02));
  assert.ok(point && point.thresholds[0] === null && point.thresholds[1] !== null, String(point?.thresholds));
  assert.ok(point.meanFlops > alone.meanFlops && point.meanFlops < 1000);
  assert.ok(point.risks.every(({ pValue }) => pValue <= 0.05));
});

test('copies that leave as their images do change nothing: the path is the one without them', () => {
  const goal = { risks: [clean(0.02), copies(0.02)], delta: 0.05 };
  const split = { tuneShare: 0.5, seed: 1 };
  const same = calibrate([{ clean: tables.clean, adversarial: tables.clean }], exits, goal, split);
  const alone = certified(clean(0.02)).tested;
  assert.equal(same.path.sha256, alone.path.sha256);
  assert.deepEqual(same.choice, alone.choice);
  assert.notEqual(certified(clean(0.02), copies(0.02)).tested.path.sha256, alone.path.sha256);
});

test('the plot draws and names every risk', () => {
  const { tested } = certified(clean(0.02), copies(0.03));
  const svg = renderPlot(tested, { title: 'x', fullFlops: 1000 });
  assert.equal(svg.match(/<polyline/g)?.length, 3);
  assert.match(svg, /consistency risk on the cal images</);
  assert.match(svg, /consistency risk on the adversarial copies, ε = 3 %</);
});

test('copies that are not of these images, in this order, are refused', () => {
  assert.doesNotThrow(() => checkCopies(recording, attacked));
  const { truth: _, ...unlabelled } = attacked;
  assert.doesNotThrow(() => checkCopies(recording, unlabelled));
  assert.throws(
    () => checkCopies(recording, { ...attacked, images: 3999 }),
    /3999 adversarial copies of 4000/,
  );
  assert.throws(
    () => checkCopies(recording, { ...attacked, truth: attacked.truth?.toReversed() as Int32Array }),
    {
      message:
        /^Adversarial copy \d+ is of another class than image \d+; copies must come in the images’ order\.$/,
    },
  );
  assert.throws(() => checkCopies(recording, recording), /are the images themselves/);
});
