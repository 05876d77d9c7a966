// What another version of a package changes, on images that neither of them was made with: those that test its paths.
import { splitImages } from '../calibration/certify.js';
import { flopsCost, meanCost } from '../calibration/cost.js';
import { createExitTable, selectImages } from '../calibration/scores/exit-table.js';
import { lossesOf, sum } from '../calibration/scores/losses.js';
import type { Recording } from '../calibration/scores/recording.js';
import { countByExit, exitsTaken } from '../calibration/scores/replay.js';
import type { Profile } from '../format/profiles.js';
import type { ModelPackage } from '../packages/package.js';
import type { Certified } from './certify-profiles.js';
import { TUNE_SHARE } from './split.js';

export interface Measured {
  /** Share of answers that differ from the full network's. */
  readonly changed: number;
  /** Mean FLOPs per image. */
  readonly flops: number;
}

export interface Compared {
  readonly name: string;
  /** What both versions promise. */
  readonly epsilon: number;
  /** The older version on the images that certified it; undefined: it has no such profile. */
  readonly former: Measured | undefined;
  /** The older version on the new images. */
  readonly now: Measured | undefined;
  /** The new version on the new images; undefined: not certified. */
  readonly anew: Measured | undefined;
}

/**
 * @param before the older version @param recording of it, for the images that `certified` comes from, in their order
 * @param seed of their split
 */
export function compareProfiles(
  before: ModelPackage,
  recording: Recording,
  certified: readonly Certified[],
  seed: number,
): Compared[] {
  const { cal } = splitImages(recording.images, TUNE_SHARE, seed);
  const replayed = ({ policy, thresholds }: Profile): Measured => {
    const table = selectImages(createExitTable(recording, policy), cal);
    const taken = exitsTaken(table, thresholds);
    const { exits } = before.manifest;
    const shares = countByExit(taken, exits.length).map((count) => count / cal.length);
    return {
      changed: sum(lossesOf('consistency', table, taken)) / cal.length,
      flops: meanCost(shares, flopsCost(exits)(thresholds)),
    };
  };
  return certified.map(({ name, epsilon, profile }) => {
    const old = before.profiles.get(name);
    return {
      ...{ name, epsilon },
      former: certifiedAs(old?.certificate?.certificate),
      now: old && replayed(old),
      anew: certifiedAs(profile?.certificate),
    };
  });
}

function certifiedAs(
  certificate:
    | { readonly risks: readonly { readonly observed: number }[]; readonly flops: { readonly mean: number } }
    | undefined,
): Measured | undefined {
  const observed = certificate?.risks[0]?.observed;
  return certificate && observed !== undefined
    ? { changed: observed, flops: certificate.flops.mean }
    : undefined;
}
