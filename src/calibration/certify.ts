// From recorded scores to a tested path: split, build on tune, test on cal, choose. Pure and seeded.
// Neighbours: path.ts (what is tested), procedure.ts (how), certificate.ts (what is promised then).
import { invariant, UsageError } from '../errors.js';
import type { ManifestExit } from '../models/manifest.js';
import { type ExitTable, selectImages } from './exit-table.js';
import { type LossName, lossesOf, pValueOf, sum } from './losses.js';
import { upperMeanBound } from './mean-bound.js';
import { hoeffdingBentkusPValue } from './p-values.js';
import { buildThresholdPath, type ThresholdPath } from './path.js';
import { type Choice, choosePoint } from './procedure.js';
import { createUniform, shuffledIndices } from './random.js';
import { countByExit, exitsTaken, flopsByExit, type Thresholds } from './replay.js';

export interface RiskLimit {
  readonly loss: LossName;
  /** The most it may be, in (0, 1). */
  readonly epsilon: number;
}

export interface CalibrationGoal {
  /** All of them hold together; none: the budget alone. */
  readonly risks: readonly RiskLimit[];
  /** In (0, 1). */
  readonly delta: number;
  /** Most mean FLOPs to execute. */
  readonly budgetFlops?: number;
}

export interface TestedRisk extends RiskLimit {
  /** Mean loss on the cal images. */
  readonly observed: number;
  readonly pValue: number;
}

/** A point of the path with what the cal images say of it. */
export interface TestedPoint {
  readonly thresholds: Thresholds;
  readonly risks: readonly TestedRisk[];
  /** The largest of the risks' p-values; 0 without risks. */
  readonly pValue: number;
  /** FLOPs executed, mean over the cal images. */
  readonly meanFlops: number;
  /** p-value of "the mean exceeds the budget". */
  readonly budgetPValue?: number;
  /** Per exit, the share of images that leaves there. */
  readonly exitShares: readonly number[];
}

export interface TestedPath {
  readonly path: ThresholdPath;
  readonly tuneImages: number;
  readonly calImages: number;
  readonly points: readonly TestedPoint[];
  readonly choice: Choice;
}

/** Disjoint and random; cal stays in random order, as betting needs it. @param tuneShare in (0, 1) */
export function splitImages(
  images: number,
  tuneShare: number,
  seed: number,
): { tune: Uint32Array; cal: Uint32Array } {
  const order = shuffledIndices(images, createUniform(seed));
  const tuneImages = Math.round(images * tuneShare);
  if (tuneImages < 1 || tuneImages >= images) {
    throw new UsageError(`${images} images cannot be split into tune and cal at ${tuneShare}.`);
  }
  return { tune: order.subarray(0, tuneImages), cal: order.subarray(tuneImages) };
}

/** @throws UsageError if there are too few images to split, or a risk needs true classes and there are none */
export function calibrate(
  table: ExitTable,
  exits: readonly ManifestExit[],
  goal: CalibrationGoal,
  { tuneShare, seed }: { readonly tuneShare: number; readonly seed: number },
): TestedPath {
  if (!table.truth && goal.risks.some(({ loss }) => loss === 'error')) {
    throw new UsageError('--risk error needs the true classes, and these images have none.');
  }
  const { tune, cal } = splitImages(table.images, tuneShare, seed);
  const path = buildThresholdPath(selectImages(table, tune), {
    exits,
    riskOf: riskOn(selectImages(table, tune), goal.risks),
  });
  return {
    path,
    tuneImages: tune.length,
    calImages: cal.length,
    ...testPath(path, selectImages(table, cal), exits, goal),
  };
}

/** Tests every point of a path that was frozen before the `cal` images were looked at. */
export function testPath(
  path: ThresholdPath,
  cal: ExitTable,
  exits: readonly ManifestExit[],
  goal: CalibrationGoal,
): Pick<TestedPath, 'points' | 'choice'> {
  const { risks, delta, budgetFlops } = goal;
  const hasBudget = budgetFlops !== undefined;
  invariant(risks.length > 0 || hasBudget, 'there is something to calibrate for');
  const level = risks.length > 0 && hasBudget ? delta / 2 : delta;
  const points = path.points.map((thresholds) => testPoint(thresholds, cal, exits, goal, level));
  const choice = choosePoint(
    {
      ...(risks.length > 0 && { risk: points.map(({ pValue }) => pValue) }),
      ...(hasBudget && { cost: points.map(({ budgetPValue }) => budgetPValue ?? 1) }),
    },
    delta,
  );
  return { points, choice };
}

function testPoint(
  thresholds: Thresholds,
  cal: ExitTable,
  exits: readonly ManifestExit[],
  { risks, budgetFlops }: CalibrationGoal,
  level: number,
): TestedPoint {
  const taken = exitsTaken(cal, thresholds);
  const tested = risks.map(({ loss, epsilon }) => {
    const losses = lossesOf(loss, cal, taken);
    return {
      loss,
      epsilon,
      observed: sum(losses) / cal.images,
      pValue: pValueOf(loss, losses, epsilon, level),
    };
  });
  const flops = flopsByExit(exits, thresholds);
  const exitShares = countByExit(taken, exits.length).map((count) => count / cal.images);
  const meanFlops = exitShares.reduce((mean, share, exit) => mean + share * (flops[exit] ?? 0), 0);
  return {
    thresholds,
    risks: tested,
    pValue: tested.reduce((largest, { pValue }) => Math.max(largest, pValue), 0),
    meanFlops,
    ...(budgetFlops !== undefined && {
      budgetPValue: budgetPValue(meanFlops, Math.max(...flops), cal.images, budgetFlops),
    }),
    exitShares,
  };
}

/** The loss is cost / dearest: what no image can exceed needs no test. */
function budgetPValue(meanFlops: number, dearest: number, images: number, budgetFlops: number): number {
  if (budgetFlops >= dearest) return 0;
  return hoeffdingBentkusPValue((images * meanFlops) / dearest, images, budgetFlops / dearest);
}

/**
 * Upper confidence bound, at level δ, of the mean FLOPs that a point executes. It holds for all points of the path at
 * once (δ shared equally), so also for one chosen by looking at them.
 */
export function flopsBound(
  { thresholds, meanFlops }: TestedPoint,
  { points, calImages }: Pick<TestedPath, 'points' | 'calImages'>,
  exits: readonly ManifestExit[],
  delta: number,
): number {
  const dearest = Math.max(...flopsByExit(exits, thresholds));
  return dearest * upperMeanBound((calImages * meanFlops) / dearest, calImages, delta / points.length);
}

/** Mean losses in units of their limits, added up: one number to trade against cost. Consistency, if no risk is set. */
function riskOn(tune: ExitTable, risks: readonly RiskLimit[]): (taken: Uint8Array) => number {
  const limits: readonly RiskLimit[] = risks.length > 0 ? risks : [{ loss: 'consistency', epsilon: 1 }];
  return (taken) =>
    limits.reduce((total, { loss, epsilon }) => total + sum(lossesOf(loss, tune, taken)) / epsilon, 0) /
    tune.images;
}
