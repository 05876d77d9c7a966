// The path a request takes: which segments run, in which order, what leaving at each exit costs.
// Pure; shared by the main thread (costs, budgets) and the workers (execution).
import { invariant } from '../errors.js';
import type { ManifestExit } from '../models/manifest.js';
import type { Profile } from '../models/profiles.js';

export interface Step {
  /** The exit whose cut this step's segment starts from; -1: the image. */
  readonly from: number;
  /** The exit at which the segment ends. */
  readonly exit: number;
  /** What the score is compared with; null at the last step, which every image leaves. */
  readonly threshold: number | null;
  /** FLOPs executed by an image that leaves here, every head on the way included. */
  readonly flops: number;
}

/** FLOPs of the backbone with its final exit alone. */
export function fullFlops(exits: readonly ManifestExit[]): number {
  return exits.reduce((sum, exit) => sum + exit.flops.stage, 0);
}

/**
 * The steps under `profile` that end, at the latest, at exit `stop`.
 * Exit `stop` is always the last step, whether or not the profile has it active.
 */
export function buildPath(
  exits: readonly ManifestExit[],
  profile: Profile,
  stop: number = exits.length - 1,
): Step[] {
  invariant(stop >= 0 && stop < exits.length, `exit ${stop} does not exist`);
  const steps: Step[] = [];
  let flops = 0;
  let from = -1;
  exits.slice(0, stop + 1).forEach((exit, index) => {
    flops += exit.flops.stage;
    const threshold = index === stop ? null : (profile.thresholds[index] ?? null);
    if (threshold === null && index !== stop) return;
    flops += exit.flops.head;
    steps.push({ from, exit: index, threshold, flops });
    from = index;
  });
  return steps;
}

/** The deepest exit whose whole path under `profile` costs at most `maxFlops`; -1 if none does. */
export function deepestExitWithin(
  exits: readonly ManifestExit[],
  profile: Profile,
  maxFlops: number,
): number {
  for (let stop = exits.length - 1; stop >= 0; stop--) {
    const cost = buildPath(exits, profile, stop).at(-1)?.flops ?? Number.POSITIVE_INFINITY;
    if (cost <= maxFlops) return stop;
  }
  return -1;
}

/** Every (from, to) that a path under `profile` may need, whatever exit a budget stops it at: one per exit. */
export function segmentsOf(exits: readonly ManifestExit[], profile: Profile): { from: number; to: number }[] {
  return exits.map((_, stop) => {
    const last = buildPath(exits, profile, stop).at(-1);
    invariant(last, 'a path has at least one step');
    return { from: last.from, to: last.exit };
  });
}
