// Profiles with certificates for a package that has its exits: recorded once, then one path and one test for each ε.
import { calibrate, type TestedPath } from '../calibration/certify.js';
import { issueProfile } from '../calibration/issue.js';
import { createExitTable } from '../calibration/scores/exit-table.js';
import type { Recording } from '../calibration/scores/recording.js';
import type { Manifest } from '../format/manifest.js';
import type { Policy, ProfileDocument } from '../format/profiles.js';
import { version } from '../foundation/version.js';
import { TUNE_SHARE } from './split.js';

/** The cheapest on the images that build the path is taken. */
const POLICIES: readonly Policy[] = ['margin', 'max-softmax', 'entropy'];
/** Of three limits, from the smallest ε to the largest. */
const NAMES = ['accurate', 'balanced', 'fast'];

/** What a profile is to promise: with probability 1 − `delta`, at most `epsilon` of the answers change. */
export interface Limit {
  readonly name: string;
  readonly epsilon: number;
  readonly delta: number;
}

export interface Certified {
  readonly name: string;
  readonly epsilon: number;
  readonly tested: TestedPath;
  /** undefined: nothing but `full` passed. */
  readonly profile: ProfileDocument | undefined;
}

/** @param limits on the share of answers that differ from the full network's, ascending */
export function certifyProfiles(
  recording: Recording,
  manifest: Manifest,
  limits: readonly Limit[],
  seed: number,
): Certified[] {
  const tables = POLICIES.map((policy) => ({ clean: createExitTable(recording, policy) }));
  return limits.map(({ name, epsilon, delta }): Certified => {
    const goal = { risks: [{ loss: 'consistency', data: 'clean', epsilon } as const], delta };
    const tested = calibrate(tables, manifest.exits, goal, { tuneShare: TUNE_SHARE, seed });
    const { choice } = tested;
    const profile =
      choice.kind === 'point' && choice.index > 0
        ? issueProfile({
            ...{ tested, index: choice.index, goal, seed, recording, manifest },
            date: new Date(),
            tool: `rdi-serve ${version}`,
          })
        : undefined;
    return { name, epsilon, tested, profile };
  });
}

/** `accurate`, `balanced` and `fast` of three limits; of any other number of them, the limit itself: `at-most-1`. */
export function profileName(index: number, epsilons: readonly number[]): string {
  const named = epsilons.length === NAMES.length ? NAMES[index] : undefined;
  return named ?? `at-most-${Number((100 * (epsilons[index] ?? 0)).toPrecision(6))}`;
}
