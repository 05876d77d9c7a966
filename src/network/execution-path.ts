// The path of a request: the segments that run, their order, and the cost of leaving at each exit.
// Pure functions. The main thread uses them for costs and budgets, the workers for execution.

import type { ManifestExit } from '../format/manifest.js';
import type { Profile } from '../format/profiles.js';
import { invariant } from '../foundation/errors.js';

export interface Step {
  /** The exit whose cut this step's segment starts from; -1: the image. */
  readonly from: number;
  /** The exit at which the segment ends. */
  readonly exit: number;
  /** Threshold for the score; null: the profile has none here, for example at the final exit. */
  readonly threshold: number | null;
  /** FLOPs executed for an image that leaves here, including every head on the way. */
  readonly flops: number;
}

type WithThresholds = Pick<Profile, 'thresholds'>;

/** At least one step. All remaining images leave at the last step. */
export type ExecutionPath = readonly [Step, ...Step[]];

/** FLOPs of the backbone with only its final exit. */
export function fullFlops(exits: readonly ManifestExit[]): number {
  return exits.reduce((sum, exit) => sum + exit.flops.stage, 0);
}

/**
 * The steps under a profile, up to exit `stop` at the latest.
 * Exit `stop` is the last step even if it is not active in the profile.
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
 * Minimum and maximum FLOPs of leaving at each exit: without any earlier head on the way, and with all of them.
 * The FLOPs under any profile are between the two.
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

/** The exit at which a path ends, and the FLOPs of the whole path. */
export function lastStep(path: ExecutionPath): Step {
  return path.at(-1) ?? path[0];
}

/** The paths under `profile`: for each exit, the path that ends there at the latest. */
export function pathsOf(exits: readonly ManifestExit[], profile: WithThresholds): ExecutionPath[] {
  return exits.map((_, stop) => buildPath(exits, profile, stop));
}

/** The deepest exit whose whole path costs at most `maxFlops`; -1 if none does. @param paths from `pathsOf` */
export function deepestExitWithin(paths: readonly ExecutionPath[], maxFlops: number): number {
  return paths.findLastIndex((path) => lastStep(path).flops <= maxFlops);
}

/** The segments that a path under `profile` may need, at whichever exit a budget ends it: one per exit. */
export function segmentsOf(
  exits: readonly ManifestExit[],
  profile: WithThresholds,
): { from: number; to: number }[] {
  return pathsOf(exits, profile).map((path) => {
    const { from, exit } = lastStep(path);
    return { from, to: exit };
  });
}
