// From recorded scores to a tested path: split, build on tune, test on cal, choose. Pure and seeded.
// Neighbours: path.ts (what is tested), procedure.ts (how), certificate.ts (what is promised then).
import { invariant, UsageError } from '../errors.js';
import type { ManifestExit } from '../models/manifest.js';
import { type LossName, lossesOf, pValueOf, sum } from './losses.js';
import { upperMeanBound } from './mean-bound.js';
import { binomialPValue, hoeffdingBentkusPValue } from './p-values.js';
import { type PairedTables, type RiskData, selectPairs, tableOf } from './paired-tables.js';
import { buildThresholdPath, type ThresholdPath } from './path.js';
import { type Choice, choosePoint } from './procedure.js';
import { createUniform, shuffledIndices } from './random.js';
import { countByExit, exitsTaken, flopsByExit, type Thresholds } from './replay.js';

export interface RiskLimit {
  readonly loss: LossName;
  /** The images that it is limited on. */
  readonly data: RiskData;
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
  /** Mean loss on the cal images, or on their copies. */
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

/**
 * Cost and the shares of exits are those of the clean images.
 * @throws UsageError if there are too few images to split, or a risk needs true classes and there are none
 */
export function calibrate(
  tables: PairedTables,
  exits: readonly ManifestExit[],
  goal: CalibrationGoal,
  { tuneShare, seed }: { readonly tuneShare: number; readonly seed: number },
): TestedPath {
  if (goal.risks.some(({ loss, data }) => loss === 'error' && !tableOf(tables, data).truth)) {
    throw new UsageError('--risk error needs the true classes, and these images have none.');
  }
  const { tune, cal } = splitImages(tables.clean.images, tuneShare, seed);
  const path = choosePath(selectPairs(tables, tune), exits, goal);
  return {
    path,
    tuneImages: tune.length,
    calImages: cal.length,
    ...testPath(path, selectPairs(tables, cal), exits, goal),
  };
}

/** How much cheaper, as a share, the path that weighs the copies has to end: it flatters itself more on its images. */
const CLEARLY_CHEAPER = 0.8;

/**
 * The path that suits the clean images alone, unless the one that weighs the copies too ends clearly cheaper when both
 * are tested on the very images that they were built on. The first is finer, and the same as without copies; but an exit
 * that the attack fools may end it at once.
 */
function choosePath(
  tune: PairedTables,
  exits: readonly ManifestExit[],
  goal: CalibrationGoal,
): ThresholdPath {
  const { risks } = goal;
  const onClean = risks.filter(({ data }) => data === 'clean');
  const build = (weighed: readonly RiskLimit[]) =>
    buildThresholdPath(tune.clean, { exits, riskOf: riskOn(tune, { ...goal, risks: weighed }) });
  const path = build(onClean);
  if (onClean.length === risks.length) return path;
  const endOf = (one: ThresholdPath): number => {
    const { points, choice } = testPath(one, tune, exits, goal);
    const end = choice.kind === 'point' ? points[choice.index] : undefined;
    return end?.meanFlops ?? Number.POSITIVE_INFINITY;
  };
  const weighed = build(risks);
  return endOf(weighed) < CLEARLY_CHEAPER * endOf(path) ? weighed : path;
}

/** Tests every point of a path that was frozen before the `cal` images were looked at. */
export function testPath(
  path: ThresholdPath,
  cal: PairedTables,
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
  const flops = flopsByExit(exits, thresholds);
  const exitShares = countByExit(taken, exits.length).map((count) => count / images);
  const meanFlops = exitShares.reduce((mean, share, exit) => mean + share * (flops[exit] ?? 0), 0);
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

/**
 * One number to trade against cost: the risk that is nearest to failing, since that one decides every test. Each counts
 * in units of the loss that would just pass. Consistency, if no risk is set.
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
      ...limits.map((risk, index) => sum(riskLosses(risk, tune, thresholds, taken)) / (units[index] ?? 1)),
    );
}

/** How many losses of 1 still pass the test, for want of a better measure also for the error; at least 1. */
function passingLosses(images: number, epsilon: number, delta: number): number {
  let losses = 1;
  while (binomialPValue(losses + 1, images, epsilon) <= delta) losses++;
  return losses;
}

/** Losses on the images that the risk is limited on. @param taken [image]: the exit that each clean one leaves at */
function riskLosses(
  { loss, data }: RiskLimit,
  tables: PairedTables,
  thresholds: Thresholds,
  taken: Uint8Array,
): Int8Array {
  const table = tableOf(tables, data);
  return lossesOf(loss, table, data === 'clean' ? taken : exitsTaken(table, thresholds));
}
