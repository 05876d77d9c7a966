// Tests every point of a frozen path on the cal images: computes the p-values of its risks and cost, and chooses a
// point. See also statistics/procedure.ts (the choice), statistics/p-values.ts, scores/losses.ts.

import type { ManifestExit } from '../../format/manifest.js';
import { invariant } from '../../foundation/errors.js';
import { flopsCost, meanCost } from '../cost.js';
import type { CalibrationGoal, RiskLimit } from '../goal.js';
import { lossesOf, pValueOf, sum } from '../scores/losses.js';
import { type PairedTables, tableOf } from '../scores/paired-tables.js';
import { countByExit, exitsTaken, type Thresholds } from '../scores/replay.js';
import { upperMeanBound } from '../statistics/mean-bound.js';
import { hoeffdingBentkusPValue } from '../statistics/p-values.js';
import { type Choice, choosePoint } from '../statistics/procedure.js';
import type { ThresholdPath } from './threshold-path.js';

export interface TestedRisk extends RiskLimit {
  /** Mean loss on the cal images, or on their copies. */
  readonly observed: number;
  readonly pValue: number;
}

/** A point of the path with its results on the cal images. */
export interface TestedPoint {
  readonly thresholds: Thresholds;
  readonly risks: readonly TestedRisk[];
  /** The largest of the risks' p-values; 0 without risks. */
  readonly pValue: number;
  /** FLOPs executed, mean over the cal images. */
  readonly meanFlops: number;
  /** p-value of "the mean cost exceeds the budget". */
  readonly budgetPValue?: number;
  /** Per exit, the share of images that leave there. */
  readonly exitShares: readonly number[];
}

/** @param path must be frozen before the `cal` images are used */
export function testPath(
  path: ThresholdPath,
  cal: PairedTables,
  exits: readonly ManifestExit[],
  goal: CalibrationGoal,
): { readonly points: readonly TestedPoint[]; readonly choice: Choice } {
  const { risks, delta, budgetFlops } = goal;
  const hasBudget = budgetFlops !== undefined;
  invariant(risks.length > 0 || hasBudget, 'there is something to calibrate for');
  // The risk test and the budget test share δ.
  const level = risks.length > 0 && hasBudget ? delta / 2 : delta;
  const points = path.points.map((thresholds) => testPoint(thresholds, cal, exits, goal, level));
  const choice = choosePoint(
    {
      ...(risks.length > 0 && { risk: points.map(({ pValue }) => pValue) }),
      ...(hasBudget && { cost: points.map(({ budgetPValue }) => budgetPValue ?? 1) }),
    },
    level,
  );
  return { points, choice };
}

function testPoint(
  thresholds: Thresholds,
  cal: PairedTables,
  exits: readonly ManifestExit[],
  { risks, budgetFlops }: CalibrationGoal,
  level: number,
): TestedPoint {
  const { images } = cal.clean;
  const taken = exitsTaken(cal.clean, thresholds);
  const tested = risks.map((risk) => {
    const losses = riskLosses(risk, cal, thresholds, taken);
    return {
      ...risk,
      observed: sum(losses) / images,
      pValue: pValueOf(risk.loss, losses, risk.epsilon, level),
    };
  });
  const flops = flopsCost(exits)(thresholds);
  const exitShares = countByExit(taken, exits.length).map((count) => count / images);
  const meanFlops = meanCost(exitShares, flops);
  return {
    thresholds,
    risks: tested,
    pValue: tested.reduce((largest, { pValue }) => Math.max(largest, pValue), 0),
    meanFlops,
    ...(budgetFlops !== undefined && {
      budgetPValue: budgetPValue(meanFlops, Math.max(...flops), images, budgetFlops),
    }),
    exitShares,
  };
}

/** The loss is the cost divided by `dearest`. A budget that no image can exceed needs no test. */
function budgetPValue(meanFlops: number, dearest: number, images: number, budgetFlops: number): number {
  if (budgetFlops >= dearest) return 0;
  return hoeffdingBentkusPValue((images * meanFlops) / dearest, images, budgetFlops / dearest);
}

/**
 * Upper confidence bound, at level δ, of the mean FLOPs of a point. The points of the path share δ equally, so the
 * bounds of all points hold at once, and also for a point chosen after the test.
 */
export function flopsBound(
  { thresholds, meanFlops }: TestedPoint,
  { points, calImages }: { readonly points: readonly TestedPoint[]; readonly calImages: number },
  exits: readonly ManifestExit[],
  delta: number,
): number {
  const dearest = Math.max(...flopsCost(exits)(thresholds));
  return dearest * upperMeanBound((calImages * meanFlops) / dearest, calImages, delta / points.length);
}

/** Losses on the images of the risk. @param taken [image]: the exit at which the clean image leaves */
export function riskLosses(
  { loss, data }: RiskLimit,
  tables: PairedTables,
  thresholds: Thresholds,
  taken: Uint8Array,
): Int8Array {
  const table = tableOf(tables, data);
  return lossesOf(loss, table, data === 'clean' ? taken : exitsTaken(table, thresholds));
}
