// The path a request takes: which segments run, in which order, what leaving at each exit costs.
// Pure; shared by the main thread (costs, budgets) and the workers (execution).

import type { ManifestExit } from '../format/manifest.js';
import type { Profile } from '../format/profiles.js';
import { invariant } from '../foundation/errors.js';

export interface Step {
  /** The exit whose cut this step's segment starts from; -1: the image. */
  readonly from: number;
  /** The exit at which the segment ends. */
  readonly exit: number;
  /** What the score is compared with; null: the profile has no threshold here, as at the final exit. */
  readonly threshold: number | null;
  /** FLOPs executed by an image that leaves here, every head on the way included. */
  readonly flops: number;
}

type WithThresholds = Pick<Profile, 'thresholds'>;

/** At least one step; every image that is still there leaves at the last. */
export type ExecutionPath = readonly [Step, ...Step[]];

/** FLOPs of the backbone with its final exit alone. */
export function fullFlops(exits: readonly ManifestExit[]): number {
  return exits.reduce((sum, exit) => sum + exit.flops.stage, 0);
}

/**
 * The steps under `profile` that end, at the latest, at exit `stop`.
 * Exit `stop` is the last step whether or not the profile has it active.
 */
export function buildPath(
  exits: readonly ManifestExit[],
  { thresholds }: WithThresholds,
  stop = exits.length - 1,
): ExecutionPath {
  const steps: Step[] = [];
  let flops = 0;
  let from = -1;
  exits.slice(0, stop + 1).forEach((exit, index) => {
    const threshold = thresholds[index] ?? null;
    flops += exit.flops.stage;
    if (threshold === null && index !== stop) return;
    flops += exit.flops.head;
    steps.push({ from, exit: index, threshold, flops });
    from = index;
  });
  const [first, ...rest] = steps;
  invariant(first && stop < exits.length, `exit ${stop} does not exist`);
  return [first, ...rest];
}

/**
 * The least and the most that leaving at each exit can cost: with no earlier head on the way, and with all of them.
 * What it costs under any profile lies between.
 */
export function costBounds(exits: readonly ManifestExit[]): [least: number, most: number][] {
  let stages = 0;
  let heads = 0;
  return exits.map(({ flops }) => {
    stages += flops.stage;
    heads += flops.head;
    return [stages + flops.head, stages + heads];
  });
}

/** Where a path ends and what it costs in full. */
export function lastStep(path: ExecutionPath): Step {
  return path.at(-1) ?? path[0];
}

/** Every path under `profile`, by the exit at which it ends at the latest. */
export function pathsOf(exits: readonly ManifestExit[], profile: WithThresholds): ExecutionPath[] {
  return exits.map((_, stop) => buildPath(exits, profile, stop));
}

/** The deepest exit whose whole path costs at most `maxFlops`; -1 if none does. @param paths from `pathsOf` */
export function deepestExitWithin(paths: readonly ExecutionPath[], maxFlops: number): number {
  return paths.findLastIndex((path) => lastStep(path).flops <= maxFlops);
}

/** Every (from, to) that a path under `profile` may need, whatever exit a budget stops it at: one per exit. */
export function segmentsOf(
  exits: readonly ManifestExit[],
  profile: WithThresholds,
): { from: number; to: number }[] {
  return pathsOf(exits, profile).map((path) => {
    const { from, exit } = lastStep(path);
    return { from, to: exit };
  });
}
