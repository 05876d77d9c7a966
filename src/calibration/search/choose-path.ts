// Builds the path that will be tested; uses only the tune images. See also threshold-path.ts, certify.ts.

import type { ManifestExit } from '../../format/manifest.js';
import { invariant } from '../../foundation/errors.js';
import { flopsCost, meanCost } from '../cost.js';
import type { CalibrationGoal, RiskLimit } from '../goal.js';
import { sum } from '../scores/losses.js';
import type { PairedTables } from '../scores/paired-tables.js';
import type { Thresholds } from '../scores/replay.js';
import { binomialPValue } from '../statistics/p-values.js';
import { riskLosses, testPath } from './evaluate-path.js';
import { buildThresholdPath, type ThresholdPath } from './threshold-path.js';

/**
 * The path that weighs the copies is taken only if its end costs less than this share of the other path's end. Its
 * estimate on the tune images is the more optimistic one.
 */
const CLEARLY_CHEAPER = 0.8;

interface Candidate {
  readonly path: ThresholdPath;
  /** Mean cost of the point that testing on the tune images would choose; infinite if it chooses none. */
  readonly end: number;
}

/**
 * Of several policies, the path whose chosen point is cheapest when tested on the tune images; the first policy's path
 * if no point is chosen for any. The cal images are not used, so trying several policies costs no confidence.
 * @param tune the same images under each policy
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
 * The path built for the clean images alone, unless the path that also weighs the copies ends clearly cheaper. The
 * first has finer steps and is the same as without copies, but one exit that the attack fools can end its test at once.
 */
function candidateFor(tune: PairedTables, exits: readonly ManifestExit[], goal: CalibrationGoal): Candidate {
  const { risks, off = new Set() } = goal;
  const onClean = risks.filter(({ data }) => data === 'clean');
  const build = (weighed: readonly RiskLimit[]): Candidate => {
    const riskOf = riskOn(tune, { ...goal, risks: weighed });
    const path = buildThresholdPath(tune.clean, {
      exits,
      riskOf,
      off,
      ...(goal.costOf && { costOf: goal.costOf }),
    });
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
  const { costOf = flopsCost(exits) } = goal;
  return end ? meanCost(end.exitShares, costOf(end.thresholds)) : Number.POSITIVE_INFINITY;
}

/**
 * All risks as one number to trade against cost: the risk nearest to failing, because it decides the test. Each risk is
 * divided by the total loss that would just pass. Without a risk limit, consistency is used. The result is at least 0:
 * with negative values, one point where answers improve would beat every dearer point, and the path would jump to it.
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

/** The largest number of losses of 1 that passes the binomial test, at least 1. An approximation for the error loss. */
function passingLosses(images: number, epsilon: number, delta: number): number {
  let losses = 1;
  while (binomialPValue(losses + 1, images, epsilon) <= delta) losses++;
  return losses;
}
