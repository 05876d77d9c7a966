// Builds the path that will be tested, on the tune images alone. Neighbours: tested-path.ts, certify.ts.

import type { ManifestExit } from '../../format/manifest.js';
import { invariant } from '../../foundation/errors.js';
import type { CalibrationGoal, RiskLimit } from '../goal.js';
import { sum } from '../scores/losses.js';
import type { PairedTables } from '../scores/paired-tables.js';
import type { Thresholds } from '../scores/replay.js';
import { binomialPValue } from '../statistics/p-values.js';
import { riskLosses, testPath } from './evaluate-path.js';
import { buildThresholdPath, type ThresholdPath } from './tested-path.js';

/** How much cheaper, as a share, the path that weighs the copies has to end: it flatters itself more on its images. */
const CLEARLY_CHEAPER = 0.8;

interface Candidate {
  readonly path: ThresholdPath;
  /** FLOPs of the point that would be chosen if the images that it was built on tested it; infinite without one. */
  readonly end: number;
}

/**
 * Of several policies, the path that ends cheapest, tested on the very images that they were built on; the first policy's
 * where none gets anywhere. No image that certifies is looked at, so trying policies spends no confidence.
 * @param tune the same images as each policy sees them.
 */
export function choosePath(
  tune: readonly PairedTables[],
  exits: readonly ManifestExit[],
  goal: CalibrationGoal,
): ThresholdPath {
  const [first, ...others] = tune.map((tables) => candidateFor(tables, exits, goal));
  invariant(first, 'there is a policy');
  return others.reduce((best, other) => (other.end < best.end ? other : best), first).path;
}

/**
 * The path that suits the clean images alone, unless the one that weighs the copies too ends clearly cheaper. The first is
 * finer, and the same as without copies; but an exit that the attack fools may end it at once.
 */
function candidateFor(tune: PairedTables, exits: readonly ManifestExit[], goal: CalibrationGoal): Candidate {
  const { risks, off = new Set() } = goal;
  const onClean = risks.filter(({ data }) => data === 'clean');
  const build = (weighed: readonly RiskLimit[]): Candidate => {
    const riskOf = riskOn(tune, { ...goal, risks: weighed });
    const path = buildThresholdPath(tune.clean, { exits, riskOf, off });
    return { path, end: endOf(path, tune, exits, goal) };
  };
  const unaware = build(onClean);
  if (onClean.length === risks.length) return unaware;
  const aware = build(risks);
  return aware.end < CLEARLY_CHEAPER * unaware.end ? aware : unaware;
}

function endOf(
  path: ThresholdPath,
  tune: PairedTables,
  exits: readonly ManifestExit[],
  goal: CalibrationGoal,
): number {
  const { points, choice } = testPath(path, tune, exits, goal);
  const end = choice.kind === 'point' ? points[choice.index] : undefined;
  return end?.meanFlops ?? Number.POSITIVE_INFINITY;
}

/**
 * One number to trade against cost: the risk that is nearest to failing, since that one decides every test. Each counts
 * in units of the loss that would just pass. Consistency, if no risk is set. At least 0: where answers improve, the best
 * point would beat every dearer one, and the path jump to it.
 */
function riskOn(
  tune: PairedTables,
  { risks, delta }: CalibrationGoal,
): (taken: Uint8Array, thresholds: Thresholds) => number {
  const limits: readonly RiskLimit[] =
    risks.length > 0 ? risks : [{ loss: 'consistency', data: 'clean', epsilon: 0.5 }];
  const units = limits.map(({ epsilon }) => passingLosses(tune.clean.images, epsilon, delta));
  return (taken, thresholds) =>
    Math.max(
      0,
      ...limits.map((risk, index) => sum(riskLosses(risk, tune, thresholds, taken)) / (units[index] ?? 1)),
    );
}

/** How many losses of 1 still pass the test, for want of a better measure also for the error; at least 1. */
function passingLosses(images: number, epsilon: number, delta: number): number {
  let losses = 1;
  while (binomialPValue(losses + 1, images, epsilon) <= delta) losses++;
  return losses;
}
