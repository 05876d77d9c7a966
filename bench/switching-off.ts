// Measures the gain of switching exits off. Calibrates with all exits active, and with exits switched off where that
// saves FLOPs, over random splits of the same recorded scores. Exit code 1 if switching off makes a certified profile
// more expensive on average. Also prints the package's profiles; one that is named is compared image by image.
// Usage: node dist/bench/switching-off.js MODELS MODEL SCORES [splits] [profile]     SCORES: from `calibrate --scores`

import process from 'node:process';
import { calibrate } from '../src/calibration/certify.js';
import { flopsCost } from '../src/calibration/cost.js';
import { createExitTable, type ExitTable } from '../src/calibration/scores/exit-table.js';
import { exitsTaken, type Thresholds, totalCost } from '../src/calibration/scores/replay.js';
import { readScores } from '../src/calibration/scores/scores-file.js';
import { parseModelName } from '../src/evaluation/subject.js';
import type { LossName } from '../src/format/certificate.js';
import type { ManifestExit } from '../src/format/manifest.js';
import type { Profile } from '../src/format/profiles.js';
import { UsageError } from '../src/foundation/errors.js';
import { positiveInteger } from '../src/foundation/numbers.js';
import { mean } from '../src/foundation/quantile.js';
import { findPackage } from '../src/packages/repository.js';
import { formatTable, percent } from '../src/report/table.js';
import { reportPromises } from './load/promises.js';

const [models, model, scores, splitsText = '10', rival] = process.argv.slice(2);
const splits = positiveInteger(splitsText);
if (!models || !model || !scores) {
  throw new UsageError('An argument is missing. Give the models folder, the model and its file of scores.');
}
const { name, version } = parseModelName(model);
const { manifest, profiles } = await findPackage(models, name, version);
const recording = await readScores(scores);
if (!recording?.truth) {
  throw new UsageError(`"${scores}" does not exist or has no true classes. Record it with labelled images.`);
}
const { truth } = recording;
/** Certified here by entropy. Each profile of the package is replayed under its own policy. */
const table = createExitTable(recording, 'entropy');
const { exits } = manifest;

/** Counts the FLOPs of each head as its stage's, as if all exits were active. */
const allActive = exits.map(
  ({ flops, ...exit }): ManifestExit => ({
    ...exit,
    flops: { ...flops, stage: flops.stage + flops.head, head: 0 },
  }),
);

interface Figures {
  readonly megaflops: number;
  readonly agreement: number;
  readonly active: number;
  /** Share of splits with a correct answer, for each image. */
  readonly right: readonly number[];
}

/** Figures over all recorded images. */
function figuresOf(seen: ExitTable, thresholds: Thresholds, costs: readonly ManifestExit[]): Figures {
  const taken = exitsTaken(seen, thresholds);
  const total = totalCost(taken, flopsCost(costs)(thresholds));
  const answers = Array.from(taken, (exit, image) => seen.labels[exit]?.[image]);
  return {
    megaflops: total / taken.length / 1e6,
    agreement: mean(answers.map((label, image) => Number(label === seen.labels.at(-1)?.[image]))),
    active: thresholds.filter((threshold) => threshold !== null).length,
    right: answers.map((label, image) => Number(label === truth[image])),
  };
}

const none: Thresholds = new Array<null>(exits.length - 1).fill(null);

/** Mean over the splits. If nothing can be certified, all images go to the final exit. */
function certified(loss: LossName, epsilon: number, costs: readonly ManifestExit[]): Figures {
  const all = Array.from({ length: splits }, (_, seed) => {
    const { points, choice } = calibrate(
      [{ clean: table }],
      costs,
      { risks: [{ loss, data: 'clean', epsilon }], delta: 0.05 },
      { tuneShare: 0.5, seed: seed + 1 },
    );
    const point = choice.kind === 'point' ? points[choice.index] : undefined;
    return figuresOf(table, point?.thresholds ?? none, costs);
  });
  const meanOf = (figure: (one: Figures) => number) => mean(all.map(figure));
  return {
    megaflops: meanOf(({ megaflops }) => megaflops),
    agreement: meanOf(({ agreement }) => agreement),
    active: meanOf(({ active }) => active),
    right: Array.from(truth, (_, image) => meanOf(({ right }) => right[image] ?? Number.NaN)),
  };
}

/** @returns a table row: differences in FLOPs and accuracy, with a 95 % interval (normal approximation) */
function against(what: string, certified: Figures, other: Figures): string[] {
  const differences = certified.right.map((value, image) => value - (other.right[image] ?? Number.NaN));
  const difference = mean(differences);
  const variance = mean(differences.map((one) => (one - difference) ** 2));
  const halfWidth = 1.96 * Math.sqrt(variance / (differences.length - 1));
  const points = (value: number) => (100 * value).toFixed(2);
  return [
    what,
    percent(certified.megaflops / other.megaflops - 1, 1),
    points(difference),
    `${points(difference - halfWidth)} to ${points(difference + halfWidth)}`,
  ];
}

const row = (what: string, exitsAre: string, { megaflops, right, agreement, active }: Figures) => [
  what,
  exitsAre,
  megaflops.toFixed(2),
  percent(mean(right)),
  percent(agreement),
  active.toFixed(1),
];

const asItSays = ({ policy, thresholds }: Profile): Figures =>
  figuresOf(createExitTable(recording, policy), thresholds, exits);

const rows = [...profiles.values()].map((profile) =>
  row(`profile ${profile.name}`, 'as packaged', asItSays(profile)),
);
const opponent = rival === undefined ? undefined : profiles.get(rival);
if (rival !== undefined && !opponent) {
  throw new UsageError(`${name} has no profile ${rival}; it has ${[...profiles.keys()].join(', ')}.`);
}
const opposed = opponent && asItSays(opponent);
const duels: string[][] = [];
const promises: [string, boolean, string][] = [];
for (const loss of ['consistency', 'error'] as const) {
  for (const epsilon of [0.005, 0.01, 0.02]) {
    const what = `${loss} ≤ ${percent(epsilon, 1)}`;
    const [all, chosen] = [certified(loss, epsilon, allActive), certified(loss, epsilon, exits)];
    rows.push(
      row(what, 'all active', { ...all, active: exits.length - 1 }),
      row(what, 'off where it saves', chosen),
    );
    if (opposed) duels.push(against(what, chosen, opposed));
    promises.push([
      `${what}: switching exits off saves ${percent(1 - chosen.megaflops / all.megaflops, 1)}`,
      chosen.megaflops <= all.megaflops,
      'it costs more',
    ]);
  }
}
process.stdout.write(
  formatTable(['certified for:', 'side exits:', 'MFLOPs', 'accuracy', 'agreement', 'active'], rows),
);
if (opponent) {
  process.stdout.write(
    `\n${formatTable([`less profile ${rival}:`, 'FLOPs', 'accuracy, points', '95 % interval'], duels)}`,
  );
}
reportPromises(promises);
