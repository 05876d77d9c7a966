// Thresholds in terms of images: sorted from the surest on, a threshold lets a number of them leave.
import { clears } from '../../cascade/exit-policy.js';
import type { Policy } from '../../format/profiles.js';

/** More digits than neighbouring scores need to be told apart, fewer than make a file unreadable. */
const DIGITS = 9;

/** Places in `scores`, from the surest image to the least sure. */
export function surestFirst(policy: Policy, scores: Float64Array): Uint32Array {
  const sign = policy === 'entropy' ? 1 : -1;
  return Uint32Array.from(scores, (_, image) => image).sort(
    (a, b) => sign * ((scores[a] as number) - (scores[b] as number)),
  );
}

/** A threshold that the surer of two neighbouring scores clears and the other does not. */
export function thresholdBetween(surer: number, score: number): number {
  return Number(((surer + score) / 2).toPrecision(DIGITS));
}

/** The end of the policy's range at which every finite score clears, but for an entropy of exactly 1. */
export function laxestThreshold(policy: Policy): number {
  return policy === 'entropy' ? 1 : 0;
}

/** How many of the scores clear `threshold`. */
export function countClearing(policy: Policy, scores: Float64Array, threshold: number): number {
  let count = 0;
  for (const score of scores) if (clears(policy, score, threshold)) count += 1;
  return count;
}
