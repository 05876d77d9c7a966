// Replays recorded images under given thresholds: the exit at which each leaves, and the FLOPs that it executes.

import type { ManifestExit } from '../../format/manifest.js';
import { buildPath } from '../../network/execution-path.js';
import { policies } from '../../policies/policies.js';
import { clears } from '../../policies/policy.js';
import type { ExitTable } from './exit-table.js';

/** One per side exit; null: the exit is inactive and its head is not executed. */
export type Thresholds = readonly (number | null)[];

/** @returns [image]: the exit at which the image leaves, by the rules of the cascade. */
export function exitsTaken(table: ExitTable, thresholds: Thresholds): Uint8Array {
  const { images, labels, scores } = table;
  const policy = policies[table.policy];
  const final = labels.length - 1;
  const active = thresholds.flatMap((threshold, exit) => (threshold === null ? [] : [{ threshold, exit }]));
  const taken = new Uint8Array(images).fill(final);
  for (let image = 0; image < images; image++) {
    let agreeing = 0;
    let before = -1;
    for (const { threshold, exit } of active) {
      const label = labels[exit]?.[image] as number;
      agreeing = label === before ? agreeing + 1 : 1;
      before = label;
      const score = policy.countsAgreement ? agreeing : (scores[exit]?.[image] as number);
      if (clears(policy, score, threshold)) {
        taken[image] = exit;
        break;
      }
    }
  }
  return taken;
}

/** By exit: FLOPs executed by an image that leaves there under `thresholds`; 0 for exits where no image leaves. */
export function flopsByExit(exits: readonly ManifestExit[], thresholds: Thresholds): readonly number[] {
  const flops = new Array<number>(exits.length).fill(0);
  for (const step of buildPath(exits, { thresholds })) flops[step.exit] = step.flops;
  return flops;
}

/** Number of images that leave at each exit. */
export function countByExit(taken: Uint8Array, exits: number): number[] {
  const counts = new Array<number>(exits).fill(0);
  for (const exit of taken) counts[exit] = (counts[exit] as number) + 1;
  return counts;
}

/** FLOPs executed for all images together. */
export function totalFlops(taken: Uint8Array, flops: readonly number[]): number {
  return countByExit(taken, flops.length).reduce((sum, count, exit) => sum + count * (flops[exit] ?? 0), 0);
}
