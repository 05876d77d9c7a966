// Replays recorded images under given thresholds: the exit at which each leaves, and what that costs.
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

/** Number of images that leave at each exit. */
export function countByExit(taken: Uint8Array, exits: number): number[] {
  const counts = new Array<number>(exits).fill(0);
  for (const exit of taken) counts[exit] = (counts[exit] as number) + 1;
  return counts;
}

/** The cost of all images together. @param costs by exit */
export function totalCost(taken: Uint8Array, costs: readonly number[]): number {
  return countByExit(taken, costs.length).reduce((sum, count, exit) => sum + count * (costs[exit] ?? 0), 0);
}
