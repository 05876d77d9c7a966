// The exit policies by their names in profiles. A new policy needs a file in this folder and a line here.
import { entropy } from './entropy.js';
import { margin } from './margin.js';
import { maxSoftmax } from './max-softmax.js';
import { patience } from './patience.js';
import type { ExitPolicy } from './policy.js';

export const policies = {
  entropy,
  'max-softmax': maxSoftmax,
  margin,
  patience,
} as const satisfies Record<string, ExitPolicy>;

export type PolicyName = keyof typeof policies;
export const policyNames = Object.keys(policies) as PolicyName[];

/** Describes the score of each policy, and on which side of the threshold an image leaves. */
export function describePolicies(): string {
  const described = (surer: ExitPolicy['surer']): string =>
    policyNames
      .filter((name) => policies[name].surer === surer)
      .map((name) => `${name}: ${policies[name].description}`)
      .join('; ');
  return `${described('lower')}, leave below the threshold. ${described('higher')}; leave at or above.`;
}
