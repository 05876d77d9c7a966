// Turns recorded scores into a tested path: splits the images, builds the path on tune, tests it on cal and chooses a
// point. Pure and seeded. See search/choose-path.ts (builds), search/evaluate-path.ts (tests), issue.ts (certifies).

import type { ManifestExit } from '../format/manifest.js';
import { invariant, UsageError } from '../foundation/errors.js';
import { createUniform, shuffledIndices } from '../foundation/random.js';
import type { CalibrationGoal } from './goal.js';
import { type PairedTables, selectPairs, tableOf } from './scores/paired-tables.js';
import { choosePath } from './search/choose-path.js';
import { type TestedPoint, testPath } from './search/evaluate-path.js';
import type { ThresholdPath } from './search/threshold-path.js';
import type { Choice } from './statistics/procedure.js';

export interface TestedPath {
  readonly path: ThresholdPath;
  readonly tuneImages: number;
  readonly calImages: number;
  readonly points: readonly TestedPoint[];
  readonly choice: Choice;
}

/** Splits at random. cal stays in random order, because the betting test needs it. @param tuneShare in (0, 1) */
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
 * Cost and exit shares are measured on the clean images.
 * @param policies one pair of tables for each policy that may be chosen
 * @throws UsageError if there are too few images to split, if a risk needs true classes and there are none, or if there
 *   are several policies but no risk to compare them by
 */
export function calibrate(
  policies: readonly PairedTables[],
  exits: readonly ManifestExit[],
  goal: CalibrationGoal,
  { tuneShare, seed }: { readonly tuneShare: number; readonly seed: number },
): TestedPath {
  const [first] = policies;
  invariant(first, 'there is a policy');
  if (goal.risks.some(({ loss, data }) => loss === 'error' && !tableOf(first, data).truth)) {
    throw new UsageError('--risk error needs the true classes, and these images have none.');
  }
  if (policies.length > 1 && goal.risks.length === 0) {
    throw new UsageError('A budget alone cannot compare several --policy values: give one, or a --risk.');
  }
  const { tune, cal } = splitImages(first.clean.images, tuneShare, seed);
  const path = choosePath(
    policies.map((tables) => selectPairs(tables, tune)),
    exits,
    goal,
  );
  const chosen = policies.find(({ clean }) => clean.policy === path.policy) ?? first;
  return {
    path,
    tuneImages: tune.length,
    calImages: cal.length,
    ...testPath(path, selectPairs(chosen, cal), exits, goal),
  };
}
