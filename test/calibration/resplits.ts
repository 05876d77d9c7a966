// Resplits of recorded scores: a population whose true risks are known, calibration images drawn from it again and
// again, and how often the point that a procedure then chooses is above ε.
import { splitImages } from '../../src/calibration/certify.js';
import type { RiskLimit } from '../../src/calibration/goal.js';
import { type ExitTable, selectImages } from '../../src/calibration/scores/exit-table.js';
import { lossesOf, pValueOf, sum } from '../../src/calibration/scores/losses.js';
import { exitsTaken } from '../../src/calibration/scores/replay.js';
import { buildThresholdPath, type PathOptions } from '../../src/calibration/search/threshold-path.js';
import { countRejected } from '../../src/calibration/statistics/procedure.js';
import type { LossName } from '../../src/format/certificate.js';
import type { ManifestExit } from '../../src/format/manifest.js';
import { createUniform } from '../../src/foundation/random.js';

export const SPLITS = 1000;
/** New tune images, and so a new path, every so many splits. */
const SPLITS_PER_PATH = 125;

/** A true risk so far above every ε that no procedure gets there. */
const OUT_OF_REACH = 0.12;

export interface Population {
  readonly table: ExitTable;
  readonly exits: readonly ManifestExit[];
  readonly tuneImages: number;
  readonly calImages: number;
}

/** How close together the points of a path lie. */
export type Density = Pick<PathOptions, 'candidates' | 'stepShare'>;

export interface PointLosses {
  /** Of every image of the population. */
  readonly losses: Int8Array;
  /** Mean over the population: what the guarantee is about. */
  readonly trueRisk: number;
}

/** Several paths, each built on tune images of its own. */
export function pathsWithLosses(
  { table, exits, tuneImages }: Population,
  loss: LossName,
  density: Density,
): PointLosses[][] {
  return Array.from({ length: SPLITS / SPLITS_PER_PATH }, (_, seed) => {
    const { tune } = splitImages(table.images, tuneImages / table.images, seed);
    const chosen = selectImages(table, tune);
    const riskOf = (taken: Uint8Array) => sum(lossesOf(loss, chosen, taken)) / chosen.images;
    const points: PointLosses[] = [];
    for (const thresholds of buildThresholdPath(chosen, { exits, riskOf, ...density }).points) {
      const losses = lossesOf(loss, table, exitsTaken(table, thresholds));
      points.push({ losses, trueRisk: sum(losses) / table.images });
      if ((points.at(-1)?.trueRisk ?? 1) > OUT_OF_REACH) break;
    }
    return points;
  });
}

/** @param tooFar how many points to go beyond the last one rejected: 0 is right. */
export function countViolations(
  paths: readonly PointLosses[][],
  { table: { images }, calImages }: Population,
  { loss, epsilon }: Pick<RiskLimit, 'loss' | 'epsilon'>,
  delta: number,
  tooFar: number,
): { violations: number; steps: number } {
  const uniform = createUniform(22);
  let [violations, steps] = [0, 0];
  for (const points of paths) {
    for (let split = 0; split < SPLITS_PER_PATH; split++) {
      const cal = Uint32Array.from({ length: calImages }, () => Math.floor(images * uniform()));
      const drawn = new Int8Array(calImages);
      const draw = ({ losses }: PointLosses) => {
        for (let place = 0; place < calImages; place++) drawn[place] = losses[cal[place] as number] as number;
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
