// What leaving at an exit costs: FLOPs, or engine time that was measured on this machine. The search for a path trades
// this cost against risk. A certificate states FLOPs in any case, because they are the same on every machine.
import type { ManifestExit } from '../format/manifest.js';
import { buildPath } from '../network/execution-path.js';
import type { Thresholds } from './scores/replay.js';
import type { SegmentTimes } from './segment-times.js';

/** By exit: the cost of an image that leaves there under the thresholds; 0 for exits where no image leaves. */
export type CostByExit = (thresholds: Thresholds) => readonly number[];

export function flopsCost(exits: readonly ManifestExit[]): CostByExit {
  return (thresholds) => {
    const flops = new Array<number>(exits.length).fill(0);
    for (const step of buildPath(exits, { thresholds })) flops[step.exit] = step.flops;
    return flops;
  };
}

/** Seconds of engine time. */
export function timeCost(exits: readonly ManifestExit[], secondsOf: SegmentTimes): CostByExit {
  return (thresholds) => {
    const seconds = new Array<number>(exits.length).fill(0);
    let soFar = 0;
    for (const { from, exit } of buildPath(exits, { thresholds })) {
      soFar += secondsOf(from, exit);
      seconds[exit] = soFar;
    }
    return seconds;
  };
}

/** The mean over images. @param shares by exit: the share of images that leave there */
export function meanCost(shares: readonly number[], costs: readonly number[]): number {
  return shares.reduce((mean, share, exit) => mean + share * (costs[exit] ?? 0), 0);
}
