// What the certificate of a profile says about the compute of an image: the odds of the bets against a client, and the
// limit for a client after its alarm.
import { reachOdds } from '../../calibration/statistics/reach-odds.js';
import { FULL_PROFILE, type Profile } from '../../format/profiles.js';
import type { ExecutionPath } from '../../network/execution-path.js';

export interface ExpectedCost {
  /** Per exit; see `reachOdds`. */
  readonly odds: readonly number[];
  /** Mean FLOPs per image, as certified. */
  readonly meanFlops: number;
  /** The most FLOPs per image after the alarm: (1 + tolerance) times the certified bound of the mean. */
  readonly limitFlops: number;
}

/** The parts of a served profile (catalog.ts) that the test needs. */
export type CostSubject = Profile & { readonly paths: readonly ExecutionPath[] };

/** @returns undefined: the profile promises nothing about its compute, or is `full`, which always costs the same */
export function expectedCost(profile: CostSubject, tolerance: number): ExpectedCost | undefined {
  const whole = profile.paths.at(-1);
  if (profile.name === FULL_PROFILE || !profile.certificate?.valid || !whole) return undefined;
  const { exitShares, images, delta, flops } = profile.certificate.certificate;
  return {
    odds: reachOdds({
      exitShares,
      sideExits: whole.slice(0, -1).map(({ exit }) => exit),
      images: images.cal,
      delta,
      tolerance,
    }),
    meanFlops: flops.mean,
    limitFlops: (1 + tolerance) * flops.bound,
  };
}
