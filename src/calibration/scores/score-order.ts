// Thresholds in terms of images: sorted from the surest on, a threshold lets a number of them leave.

import type { Policy } from '../../format/profiles.js';
import { policies } from '../../policies/policies.js';
import { clears } from '../../policies/policy.js';

/** More digits than neighbouring scores need to be told apart, fewer than make a file unreadable. */
const DIGITS = 9;

/** Places in `scores`, from the surest image to the least sure. */
export function surestFirst(policy: Policy, scores: Float64Array): Uint32Array {
  const sign = policies[policy].surer === 'lower' ? 1 : -1;
  return Uint32Array.from(scores, (_, image) => image).sort(
    (a, b) => sign * ((scores[a] as number) - (scores[b] as number)),
  );
}

/** A threshold that the surer of two neighbouring scores clears and the other does not. */
export function thresholdBetween(surer: number, score: number): number {
  return Number(((surer + score) / 2).toPrecision(DIGITS));
}

/**
 * The end of a policy's range at which every finite score clears, but for one at that very end where lower is surer.
 * @param exitCount of the network
 */
export function laxestThreshold(policy: Policy, exitCount: number): number {
  const { surer, range } = policies[policy];
  const [lowest, highest] = range(exitCount);
  return surer === 'lower' ? highest : lowest;
}

/** How many of the scores clear `threshold`. */
export function countClearing(policy: Policy, scores: Float64Array, threshold: number): number {
  let count = 0;
  for (const score of scores) if (clears(policies[policy], score, threshold)) count += 1;
  return count;
}
