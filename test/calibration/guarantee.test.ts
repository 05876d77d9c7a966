// The guarantee itself, by simulation: over many random splits of recorded scores, how often is the true risk of the
// chosen point above ε? At most δ of the time; and a procedure that goes one step too far is caught by the same check.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExitTable } from '../../src/calibration/scores/exit-table.js';
import type { Policy } from '../../src/format/profiles.js';
import { findPackage } from '../../src/packages/repository.js';
import { countViolations, type Density, type Population, pathsWithLosses, SPLITS } from './resplits.js';
import { readRecordedScores } from './scores/recorded-scores.js';
import { isWithinLuck } from './statistics/luck.js';
import { exits, syntheticRecording } from './synthetic.js';

const recording = syntheticRecording(10_000, 21);
const synthetic = (policy: Policy): Population => ({
  table: createExitTable(recording, policy),
  exits,
  tuneImages: 1000,
  calImages: 1500,
});

async function shipped(model: string): Promise<Population> {
  const { exits } = (await findPackage('models', model, undefined)).manifest;
  return { table: readRecordedScores(model, exits.length), exits, tuneImages: 1000, calImages: 2500 };
}

const epsilons = [0.005, 0.01, 0.02];
const deltas = [0.05, 0.1];
const combinations = epsilons.flatMap((epsilon) => deltas.map((delta) => ({ epsilon, delta })));

interface Case {
  readonly name: string;
  readonly population: Population;
  readonly density: Density;
}
const cases: Case[] = [
  { name: 'synthetic scores', population: synthetic('entropy'), density: { candidates: 64 } },
  {
    name: 'recorded scores of mnist-smallcnn',
    population: await shipped('mnist-smallcnn'),
    density: { candidates: 16, stepShare: 0.2 },
  },
  {
    name: 'recorded scores of rdi-resnet38',
    population: await shipped('rdi-resnet38'),
    density: { candidates: 32, stepShare: 0.1 },
  },
];

for (const { name, population, density } of cases) {
  test(`consistency: at most δ of 1,000 splits of ${name} violate the guarantee, on a fine path`, () => {
    const paths = pathsWithLosses(population, 'consistency', density);
    for (const { epsilon, delta } of combinations) {
      const limit = { loss: 'consistency', epsilon } as const;
      const { violations, steps } = countViolations(paths, population, limit, delta, 0);
      assert.ok(
        isWithinLuck(violations, SPLITS, delta),
        `${violations} of ${SPLITS} at ε ${epsilon}, δ ${delta}`,
      );
      assert.ok(steps > SPLITS, `the procedure moves: ${steps} steps`);
    }
  });

  test(`one step too far fails that check on ${name}, on a coarse path, where the right one passes`, () => {
    const paths = pathsWithLosses(population, 'consistency', { candidates: 8, stepShare: 1 });
    const worst = Math.max(...paths.flat().map(({ trueRisk }) => trueRisk));
    for (const { epsilon, delta } of combinations) {
      // The first exit alone may be better than ε: then nobody can go too far.
      if (worst <= epsilon) continue;
      const limit = { loss: 'consistency', epsilon } as const;
      const right = countViolations(paths, population, limit, delta, 0).violations;
      const wrong = countViolations(paths, population, limit, delta, 1).violations;
      const what = `ε ${epsilon}, δ ${delta}: ${right} right, ${wrong} one step too far`;
      assert.ok(isWithinLuck(right, SPLITS, delta), what);
      assert.ok(!isWithinLuck(wrong, SPLITS, delta), what);
    }
    assert.ok(worst > 0.01, 'at least two of the three ε can be exceeded');
  });
}

for (const policy of ['max-softmax', 'margin', 'patience'] as const) {
  test(`consistency under ${policy}: at most δ of 1,000 splits violate the guarantee`, () => {
    const population = synthetic(policy);
    const paths = pathsWithLosses(population, 'consistency', { candidates: 24 });
    // Patience cannot be dosed: its first step here already risks some 2 %.
    const epsilon = policy === 'patience' ? 0.05 : 0.01;
    const { violations, steps } = countViolations(
      paths,
      population,
      { loss: 'consistency', epsilon },
      0.1,
      0,
    );
    assert.ok(isWithinLuck(violations, SPLITS, 0.1), `${violations} of ${SPLITS}`);
    assert.ok(steps > 0, 'the procedure moves');
  });
}

test('error increase: at most δ of 1,000 splits violate the guarantee', () => {
  const population = synthetic('entropy');
  const paths = pathsWithLosses(population, 'error', { candidates: 24 });
  for (const delta of deltas) {
    const { violations, steps } = countViolations(
      paths,
      population,
      { loss: 'error', epsilon: 0.02 },
      delta,
      0,
    );
    assert.ok(isWithinLuck(violations, SPLITS, delta), `${violations} of ${SPLITS} at δ ${delta}`);
    assert.ok(steps > SPLITS, `the procedure moves: ${steps} steps`);
  }
});
