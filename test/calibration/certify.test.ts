import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calibrate, splitImages, type TestedPath } from '../../src/calibration/certify.js';
import type { CalibrationGoal } from '../../src/calibration/goal.js';
import { createExitTable } from '../../src/calibration/scores/exit-table.js';
import { flopsBound } from '../../src/calibration/search/evaluate-path.js';
import { binomialPValue } from '../../src/calibration/statistics/p-values.js';
import { exits, syntheticRecording } from './synthetic.js';

const recording = syntheticRecording(8000, 31);
const table = createExitTable(recording, 'entropy');
const split = { tuneShare: 0.5, seed: 1 };
const consistency = { loss: 'consistency', data: 'clean', epsilon: 0.02 } as const;
const run = (goal: CalibrationGoal, from = table) => calibrate([{ clean: from }], exits, goal, split);

/** FLOPs of the chosen point. */
const cheapest = ({ points, choice }: TestedPath): number =>
  (choice.kind === 'point' ? points[choice.index]?.meanFlops : undefined) ?? Number.POSITIVE_INFINITY;

test('tune and cal share no image, cover all, and depend on the seed alone', () => {
  const { tune, cal } = splitImages(1000, 0.3, 4);
  assert.deepEqual([tune.length, cal.length], [300, 700]);
  assert.equal(new Set([...tune, ...cal]).size, 1000);
  assert.deepEqual(splitImages(1000, 0.3, 4), { tune, cal });
  assert.notDeepEqual(splitImages(1000, 0.3, 5).tune, tune);
  assert.throws(() => splitImages(1, 0.5, 1), /cannot be split/);
});

test('a risk is kept at the chosen point, and the next point was not rejected', () => {
  const { points, choice, calImages } = run({ risks: [consistency], delta: 0.05 });
  assert.equal(choice.kind, 'point');
  const chosen = points[choice.kind === 'point' ? choice.index : 0];
  const [risk] = chosen?.risks ?? [];
  assert.ok(chosen && risk && risk.observed < 0.02 && chosen.pValue <= 0.05);
  assert.equal(risk.pValue, binomialPValue(Math.round(risk.observed * calImages), calImages, 0.02));
  assert.ok((points[choice.kind === 'point' ? choice.index + 1 : 0]?.pValue ?? 0) > 0.05);
  assert.ok(chosen.meanFlops < 700, `${chosen.meanFlops} of 1000`);
});

test('with several risks the largest p-value decides', () => {
  const error = { loss: 'error', data: 'clean', epsilon: 0.01 } as const;
  const both = run({ risks: [consistency, error], delta: 0.05 });
  for (const { risks, pValue } of both.points) {
    assert.equal(pValue, Math.max(...risks.map((risk) => risk.pValue)));
  }
  assert.equal(both.choice.kind, 'point');
  const index = both.choice.kind === 'point' ? both.choice.index : 0;
  assert.ok(both.points[index]?.risks.every(({ pValue }) => pValue <= 0.05));
});

test('of several policies the one that is cheapest on the tune images is certified, as if it were the only one', () => {
  const goal = { risks: [consistency], delta: 0.05 };
  const margin = createExitTable(recording, 'margin');
  // Scores that say nothing: those of the image before.
  const useless = {
    ...table,
    scores: table.scores.map((row) => row.map((_, image) => row.at(image - 1) ?? 0)),
  };
  const alone = run(goal, margin);
  assert.equal(alone.choice.kind, 'point');
  assert.ok(cheapest(run(goal, useless)) > cheapest(alone));
  for (const policies of [
    [useless, margin],
    [margin, useless],
  ]) {
    assert.deepEqual(
      calibrate(
        policies.map((clean) => ({ clean })),
        exits,
        goal,
        split,
      ),
      alone,
    );
  }
});

test('where no policy gets anywhere, the first one answers for all', () => {
  const policies = (['margin', 'entropy'] as const).map((policy) => ({
    clean: createExitTable(syntheticRecording(100, 32), policy),
  }));
  const goal = { risks: [{ ...consistency, epsilon: 0.001 }], delta: 0.05 };
  const { path, choice } = calibrate(policies, exits, goal, split);
  assert.deepEqual([path.policy, choice.kind], ['margin', 'none']);
});

test('several policies are refused where no risk compares them', () => {
  const policies = [{ clean: table }, { clean: createExitTable(recording, 'margin') }];
  const goal = { risks: [], delta: 0.05, budgetFlops: 400 };
  assert.throws(() => calibrate(policies, exits, goal, split), /give one, or a --risk/);
});

test('an error without true classes is refused', () => {
  const { truth: _, ...unlabelled } = recording;
  const goal = { risks: [{ loss: 'error', data: 'clean', epsilon: 0.1 }], delta: 0.05 } as const;
  assert.throws(() => run(goal, createExitTable(unlabelled, 'entropy')), /needs the true classes/);
});

test('a risk that so few images cannot show certifies nothing', () => {
  const few = createExitTable(syntheticRecording(100, 32), 'entropy');
  assert.deepEqual(run({ risks: [{ ...consistency, epsilon: 0.001 }], delta: 0.05 }, few).choice, {
    kind: 'none',
  });
});

test('a budget is kept by the most careful point that certainly keeps it', () => {
  const { points, choice } = run({ risks: [], delta: 0.05, budgetFlops: 400 });
  assert.equal(choice.kind, 'point');
  const index = choice.kind === 'point' ? choice.index : 0;
  assert.ok((points[index]?.meanFlops ?? 0) < 400 && (points[index]?.meanFlops ?? 0) > 360);
  assert.ok((points[index - 1]?.budgetPValue ?? 0) > 0.05);
  assert.deepEqual(run({ risks: [], delta: 0.05, budgetFlops: 1100 }).choice, { kind: 'point', index: 0 });
});

test('budget and risk together: both, or infeasible', () => {
  const goal = { risks: [consistency], delta: 0.05 };
  const easy = run({ ...goal, budgetFlops: 700 });
  const index = easy.choice.kind === 'point' ? easy.choice.index : 0;
  assert.ok((easy.points[index]?.pValue ?? 1) <= 0.025 && (easy.points[index]?.budgetPValue ?? 1) <= 0.025);
  assert.deepEqual(run({ ...goal, budgetFlops: 200 }).choice, { kind: 'infeasible', because: 'both' });
  assert.deepEqual(run({ ...goal, budgetFlops: 10 }).choice, { kind: 'infeasible', because: 'budget' });
});

test('the bound on FLOPs lies above the mean, and wider for fewer images', () => {
  const wide = (images: number) => {
    const few = createExitTable(syntheticRecording(images, 33), 'entropy');
    const tested = run({ risks: [{ ...consistency, epsilon: 0.1 }], delta: 0.05 }, few);
    const point = tested.points[tested.choice.kind === 'point' ? tested.choice.index : 0];
    assert.ok(point);
    return flopsBound(point, tested, exits, 0.05) - point.meanFlops;
  };
  const [few, many] = [wide(400), wide(6000)];
  assert.ok(many > 0 && few > 2 * many, `${few}, ${many}`);
});
