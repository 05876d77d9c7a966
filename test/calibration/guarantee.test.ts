// The guarantee itself, by simulation: over many random splits of recorded scores, how often is the true risk of the
// chosen point above ε? At most δ of the time; and a procedure that goes one step too far is caught by the same check.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RiskLimit, splitImages } from '../../src/calibration/certify.js';
import { createExitTable, type ExitTable, selectImages } from '../../src/calibration/exit-table.js';
import { type LossName, lossesOf, pValueOf, sum } from '../../src/calibration/losses.js';
import { buildThresholdPath, type PathOptions, type ThresholdPath } from '../../src/calibration/path.js';
import { countRejected } from '../../src/calibration/procedure.js';
import { createUniform } from '../../src/calibration/random.js';
import { exitsTaken } from '../../src/calibration/replay.js';
import type { Policy } from '../../src/models/profiles.js';
import { isWithinLuck } from './luck.js';
import { exits, syntheticRecording } from './synthetic.js';

const POPULATION = 10_000;
const TUNE = 1000;
const CAL = 1500;
const SPLITS = 1000;
/** New tune images, and so a new path, every so many splits. */
const SPLITS_PER_PATH = 125;

/** A true risk so far above every ε that no procedure gets there. */
const OUT_OF_REACH = 0.12;

const recording = syntheticRecording(POPULATION, 21);

/** How close together the points of a path lie. */
type Density = Pick<PathOptions, 'candidates' | 'stepShare'>;

interface PointLosses {
  /** Of every image of the population. */
  readonly losses: Int8Array;
  /** Mean over the population: what the guarantee is about. */
  readonly trueRisk: number;
}

function pathsWithLosses(policy: Policy, loss: LossName, density: Density): PointLosses[][] {
  const table = createExitTable(recording, policy);
  return Array.from({ length: SPLITS / SPLITS_PER_PATH }, (_, seed) => {
    const { tune } = splitImages(POPULATION, TUNE / POPULATION, seed);
    const path = buildPathOn(selectImages(table, tune), loss, density);
    const points: PointLosses[] = [];
    for (const thresholds of path.points) {
      const losses = lossesOf(loss, table, exitsTaken(table, thresholds));
      points.push({ losses, trueRisk: sum(losses) / POPULATION });
      if ((points.at(-1)?.trueRisk ?? 1) > OUT_OF_REACH) break;
    }
    return points;
  });
}

function buildPathOn(tune: ExitTable, loss: LossName, density: Density): ThresholdPath {
  const riskOf = (taken: Uint8Array) => sum(lossesOf(loss, tune, taken)) / tune.images;
  return buildThresholdPath(tune, { exits, riskOf, ...density });
}

/** @param tooFar how many points to go beyond the last one rejected: 0 is right. */
function countViolations(
  paths: PointLosses[][],
  { loss, epsilon }: RiskLimit,
  delta: number,
  tooFar: number,
): { violations: number; steps: number } {
  const uniform = createUniform(22);
  let [violations, steps] = [0, 0];
  for (const points of paths) {
    for (let split = 0; split < SPLITS_PER_PATH; split++) {
      const cal = Uint32Array.from({ length: CAL }, () => Math.floor(POPULATION * uniform()));
      const drawn = new Int8Array(CAL);
      const draw = ({ losses }: PointLosses) => {
        for (let place = 0; place < CAL; place++) drawn[place] = losses[cal[place] as number] as number;
        return drawn;
      };
      // Points behind the first that is not rejected have no say, so they are not computed.
      const pValues: number[] = [];
      for (const point of points.slice(1)) {
        const p = pValueOf(loss, draw(point), epsilon, delta);
        pValues.push(p);
        if (p > delta) break;
      }
      const chosen = Math.min(countRejected(pValues, delta) + tooFar, points.length - 1);
      steps += chosen;
      if ((points[chosen]?.trueRisk ?? 1) > epsilon) violations += 1;
    }
  }
  return { violations, steps };
}

const epsilons = [0.005, 0.01, 0.02];
const deltas = [0.05, 0.1];
const combinations = epsilons.flatMap((epsilon) => deltas.map((delta) => ({ epsilon, delta })));

test('consistency: at most δ of 1,000 splits violate the guarantee, on a fine path', () => {
  const paths = pathsWithLosses('entropy', 'consistency', { candidates: 64 });
  for (const { epsilon, delta } of combinations) {
    const { violations, steps } = countViolations(paths, { loss: 'consistency', epsilon }, delta, 0);
    assert.ok(
      isWithinLuck(violations, SPLITS, delta),
      `${violations} of ${SPLITS} at ε ${epsilon}, δ ${delta}`,
    );
    assert.ok(steps > SPLITS, `the procedure moves: ${steps} steps`);
  }
});

test('one step too far fails that same check, on a coarse path, where the right procedure passes', () => {
  const paths = pathsWithLosses('entropy', 'consistency', { candidates: 8, stepShare: 1 });
  for (const { epsilon, delta } of combinations) {
    const limit = { loss: 'consistency', epsilon } as const;
    const right = countViolations(paths, limit, delta, 0).violations;
    const wrong = countViolations(paths, limit, delta, 1).violations;
    const what = `ε ${epsilon}, δ ${delta}: ${right} right, ${wrong} one step too far`;
    assert.ok(isWithinLuck(right, SPLITS, delta), what);
    assert.ok(!isWithinLuck(wrong, SPLITS, delta), what);
  }
});

for (const policy of ['max-softmax', 'margin', 'patience'] as const) {
  test(`consistency under ${policy}: at most δ of 1,000 splits violate the guarantee`, () => {
    const paths = pathsWithLosses(policy, 'consistency', { candidates: 24 });
    // Patience cannot be dosed: its first step here already risks some 2 %.
    const epsilon = policy === 'patience' ? 0.05 : 0.01;
    const { violations, steps } = countViolations(paths, { loss: 'consistency', epsilon }, 0.1, 0);
    assert.ok(isWithinLuck(violations, SPLITS, 0.1), `${violations} of ${SPLITS}`);
    assert.ok(steps > 0, 'the procedure moves');
  });
}

test('error increase: at most δ of 1,000 splits violate the guarantee', () => {
  const paths = pathsWithLosses('entropy', 'error', { candidates: 24 });
  for (const delta of deltas) {
    const { violations, steps } = countViolations(paths, { loss: 'error', epsilon: 0.02 }, delta, 0);
    assert.ok(isWithinLuck(violations, SPLITS, delta), `${violations} of ${SPLITS} at δ ${delta}`);
    assert.ok(steps > SPLITS, `the procedure moves: ${steps} steps`);
  }
});
