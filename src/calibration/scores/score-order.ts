// Relates thresholds to images: with images sorted by confidence, a threshold decides how many of them leave.

import type { Policy } from '../../format/profiles.js';
import { policies } from '../../policies/policies.js';
import { clears } from '../../policies/policy.js';

/** Significant digits of a threshold: enough to separate neighbouring scores, few enough to keep files readable. */
const DIGITS = 9;

/** Indices into `scores`, from the most to the least confident image. */
export function surestFirst(policy: Policy, scores: Float64Array): Uint32Array {
  const sign = policies[policy].surer === 'lower' ? 1 : -1;
  return Uint32Array.from(scores, (_, image) => image).sort(
    (a, b) => sign * ((scores[a] as number) - (scores[b] as number)),
  );
}

/** A threshold that the more confident of two neighbouring scores clears and the other does not. */
export function thresholdBetween(surer: number, score: number): number {
  return Number(((surer + score) / 2).toPrecision(DIGITS));
}

/**
 * The end of the policy's range that every finite score clears. Exception: where lower is surer, a score equal to that
 * end does not clear it.
 * @param exitCount of the network
 */
export function laxestThreshold(policy: Policy, exitCount: number): number {
  const { surer, range } = policies[policy];
  const [lowest, highest] = range(exitCount);
  return surer === 'lower' ? highest : lowest;
}

/** Number of scores that clear `threshold`. */
export function countClearing(policy: Policy, scores: Float64Array, threshold: number): number {
  let count = 0;
  for (const score of scores) if (clears(policies[policy], score, threshold)) count += 1;
  return count;
}
