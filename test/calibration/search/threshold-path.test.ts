import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flopsCost, timeCost } from '../../../src/calibration/cost.js';
import { createExitTable, type ExitTable } from '../../../src/calibration/scores/exit-table.js';
import { lossesOf, sum } from '../../../src/calibration/scores/losses.js';
import { exitsTaken, type Thresholds, totalCost } from '../../../src/calibration/scores/replay.js';
import { agreementVectors, thresholdCandidates } from '../../../src/calibration/search/candidates.js';
import { choosePath } from '../../../src/calibration/search/choose-path.js';
import {
  buildThresholdPath,
  freeze,
  STEP_SHARE,
  type ThresholdPath,
} from '../../../src/calibration/search/threshold-path.js';
import type { LossName } from '../../../src/format/certificate.js';
import type { ManifestExit } from '../../../src/format/manifest.js';
import type { Policy } from '../../../src/format/profiles.js';
import { exits, syntheticRecording } from '../synthetic.js';

const recording = syntheticRecording(1500, 5);
const policies: Policy[] = ['entropy', 'max-softmax', 'margin', 'patience'];

const riskOn =
  (table: ExitTable, loss: LossName = 'consistency') =>
  (taken: Uint8Array) =>
    sum(lossesOf(loss, table, taken)) / table.images;

function measure(table: ExitTable, thresholds: Thresholds, network = exits, loss?: LossName) {
  const taken = exitsTaken(table, thresholds);
  return { cost: totalCost(taken, flopsCost(network)(thresholds)), risk: riskOn(table, loss)(taken) };
}

test('a path starts at "never exit early"; each point costs less, and risks no less, than the one before', () => {
  for (const policy of policies) {
    const table = createExitTable(recording, policy);
    const { points } = buildThresholdPath(table, { exits, riskOf: riskOn(table) });
    assert.deepEqual(points[0], [null, null]);
    const measured = points.map((thresholds) => measure(table, thresholds));
    measured.slice(1).forEach((point, index) => {
      const before = measured[index] ?? point;
      assert.ok(point.cost < before.cost, `${policy}: point ${index + 1} saves`);
      assert.ok(point.risk >= before.risk, `${policy}: point ${index + 1} risks no less`);
    });
    assert.ok(points.length > (policy === 'patience' ? 1 : 20), `${policy}: ${points.length} points`);
    assert.ok((measured.at(-1)?.cost ?? 0) < 0.3 * (measured[0]?.cost ?? 0), `${policy}: the end is cheap`);
  }
});

test('a path for either loss moves in small steps, also where early answers are better than the final ones', () => {
  for (const loss of ['consistency', 'error'] as const) {
    for (const policy of ['entropy', 'max-softmax', 'margin'] as const) {
      const table = createExitTable(recording, policy);
      const goal = { risks: [{ loss, data: 'clean', epsilon: 0.02 } as const], delta: 0.05 };
      const { points } = choosePath([{ clean: table }], exits, goal);
      const measured = points.map((thresholds) => measure(table, thresholds, exits, loss));
      const full = measured[0]?.cost ?? 0;
      const lowest = Math.min(...measured.map(({ risk }) => risk));
      assert.equal(lowest < 0, loss === 'error', 'only some answers are better for leaving early');
      measured.slice(1).forEach((point, index) => {
        const before = measured[index] ?? point;
        const saved = (before.cost - point.cost) / full;
        // About STEP_SHARE: steps are even in images, which cost more or less.
        assert.ok(
          saved > 0 && saved < 5 * STEP_SHARE,
          `${loss}, ${policy}: point ${index + 1} saves ${saved}`,
        );
        assert.ok(
          Math.max(0, point.risk) >= Math.max(0, before.risk),
          `${loss}, ${policy}: point ${index + 1} risks no less`,
        );
      });
    }
  }
});

test('no threshold vector of a fine grid saves five percent more than the path at the same risk', () => {
  const table = createExitTable(recording, 'entropy');
  const { points } = buildThresholdPath(table, { exits, riskOf: riskOn(table) });
  const measured = points.map((thresholds) => measure(table, thresholds));
  const values = [null, ...Array.from({ length: 32 }, (_, index) => (index + 1) / 33)];
  for (const first of values) {
    for (const second of values) {
      const rival = measure(table, [first, second]);
      const best = measured.filter(({ risk }) => risk <= rival.risk).at(-1);
      assert.ok(best && best.cost <= 1.05 * rival.cost, `${first}, ${second}: ${rival.cost} < ${best?.cost}`);
    }
  }
});

test('an exit whose head costs more than it saves is never active', () => {
  const costly = exits.map((exit, index): ManifestExit => {
    return index === 1 ? { ...exit, flops: { ...exit.flops, head: 2000 } } : exit;
  });
  const table = createExitTable(recording, 'entropy');
  const { points } = buildThresholdPath(table, { exits: costly, riskOf: riskOn(table) });
  assert.ok(points.length > 10);
  for (const [, second] of points) assert.equal(second, null);
});

test('an exit that paid at first is switched off once an earlier one takes its images', () => {
  // The second exit spares the last stage at little risk, but its head costs four times that of the first.
  const costly = exits.map((exit, index): ManifestExit => {
    return index === 1 ? { ...exit, flops: { ...exit.flops, head: 200 } } : exit;
  });
  const table = createExitTable(recording, 'entropy');
  const { points } = buildThresholdPath(table, { exits: costly, riskOf: riskOn(table) });
  const activeAt = points.map(([, second]) => second !== null);
  assert.ok(activeAt.includes(true), 'it is on somewhere');
  assert.equal(activeAt.at(-1), false, 'and off at the end');
});

test('an exit that saves FLOPs but no time is never on in a path that is to save time', () => {
  const table = createExitTable(recording, 'entropy');
  const riskOf = riskOn(table);
  const isOn = ({ points }: ThresholdPath) => points.some(([, second]) => second !== null);
  assert.ok(isOn(buildThresholdPath(table, { exits, riskOf })));
  // Stopping at the second exit takes as long as the whole network.
  const secondsOf = (from: number, to: number): number => (to === 1 ? 3 : to - from);
  assert.ok(!isOn(buildThresholdPath(table, { exits, riskOf, costOf: timeCost(exits, secondsOf) })));
});

test('candidates run from strict to lax, lie just before the mistakes, and end where everybody leaves', () => {
  const table: ExitTable = {
    policy: 'entropy',
    images: 6,
    //               right, right, wrong, right, wrong, wrong
    labels: [Int32Array.of(0, 0, 1, 0, 1, 1), new Int32Array(6)],
    scores: [Float64Array.of(0.1, 0.2, 0.3, 0.4, 0.5, 0.6), new Float64Array(6)],
  };
  assert.deepEqual(thresholdCandidates(table, 0, 10), [0.25, 0.45, 0.55, 1]);
  assert.deepEqual(thresholdCandidates(table, 0, 3), [0.25, 0.45, 1]);
  const sure = { ...table, scores: [table.scores[0]?.map((score) => 1 - score) ?? new Float64Array()] };
  for (const policy of ['max-softmax', 'margin'] as const) {
    assert.deepEqual(thresholdCandidates({ ...sure, policy }, 0, 10), [0.75, 0.55, 0.45, 0]);
  }
});

test('no point of a path lets images leave at an exit that is to be off', () => {
  for (const policy of policies) {
    const table = createExitTable(recording, policy);
    const { points } = buildThresholdPath(table, { exits, riskOf: riskOn(table), off: new Set([0]) });
    assert.ok(points.length > 1, policy);
    assert.ok(
      points.every(([first]) => first === null),
      policy,
    );
  }
});

test('patience tries every count on every evenly spaced set of exits', () => {
  assert.deepEqual(agreementVectors(1), [[1]]);
  const three = agreementVectors(3).map((vector) => vector.join(' '));
  assert.equal(new Set(three).size, three.length);
  // {0} {1} {2} once each; {0,1} {1,2} {0,2} with 1 or 2; {0,1,2} with 1, 2 or 3.
  assert.equal(three.length, 3 + 3 * 2 + 3);
  assert.ok(three.includes('2  2') && three.includes('3 3 3') && !three.includes('3 3 '));
});

test('the hash of a path changes with every threshold and with the policy', () => {
  const points = [
    [null, null],
    [0.1, null],
  ];
  const hashes = [
    freeze('entropy', points),
    freeze('margin', points),
    freeze('entropy', [
      [null, null],
      [0.1, 0.2],
    ]),
    freeze('entropy', [[null, null]]),
  ].map(({ sha256 }) => sha256);
  assert.equal(new Set(hashes).size, 4);
  assert.equal(freeze('entropy', structuredClone(points)).sha256, hashes[0]);
});
