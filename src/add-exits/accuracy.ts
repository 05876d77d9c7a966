// How often the plain network and its profiles are right, where the images say their classes. Labels change nothing else:
// heads are fitted to the network's own answers, and certificates are about those.
import { splitImages } from '../calibration/certify.js';
import { createExitTable, selectImages } from '../calibration/scores/exit-table.js';
import { lossesOf, sum } from '../calibration/scores/losses.js';
import type { Recording } from '../calibration/scores/recording.js';
import { exitsTaken } from '../calibration/scores/replay.js';
import type { Sample } from '../datasets/data-set.js';
import type { Certified } from './certify-profiles.js';
import { TUNE_SHARE } from './split.js';

/** On the images that test the paths, shares between 0 and 1. */
export interface Accuracy {
  readonly images: number;
  readonly full: number;
  readonly profiles: ReadonlyMap<string, number>;
}

/** @returns the class of each sample; undefined unless all have labels that are classes of the network */
export function trueClasses(
  samples: readonly Pick<Sample, 'label'>[],
  classes: readonly string[],
): Int32Array | undefined {
  const truth = Int32Array.from(samples, ({ label }) => classes.indexOf(label));
  return truth.includes(-1) ? undefined : truth;
}

/** @returns a note if some labels are classes of the network, and others are not */
export function noteOnLabels(
  samples: readonly Pick<Sample, 'label' | 'name'>[],
  classes: readonly string[],
): string[] {
  const others = samples.filter(({ label }) => !classes.includes(label));
  const [first] = others;
  if (!first || others.length === samples.length) return [];
  return [
    `Accuracy is not reported: ${others.length} of ${samples.length} images that calibrate have no class of the network ` +
      `as their label, "${first.name}" for one.`,
  ];
}

/** @param seed of the split @returns undefined if the classes are not known */
export function accuracyOf(
  recording: Recording,
  certified: readonly Certified[],
  seed: number,
): Accuracy | undefined {
  const { cal } = splitImages(recording.images, TUNE_SHARE, seed);
  const { labels, truth } = selectImages(createExitTable(recording, 'margin'), cal);
  if (!truth) return undefined;
  const right = truth.filter((label, image) => label === labels.at(-1)?.[image]).length;
  const full = right / cal.length;
  const profiles = certified.flatMap(({ name, profile }): [string, number][] => {
    if (!profile) return [];
    const table = selectImages(createExitTable(recording, profile.policy), cal);
    const lost = sum(lossesOf('error', table, exitsTaken(table, profile.thresholds))) / cal.length;
    return [[name, full - lost]];
  });
  return { images: cal.length, full, profiles: new Map(profiles) };
}
