// Chooses which candidates become exits: one after the other the one that saves most time, as long as one saves enough.
// Decided on images apart from those that the heads are fitted to, and from those that calibrate and certify later.
import { type CostByExit, meanCost, timeCost } from '../calibration/cost.js';
import type { CalibrationGoal } from '../calibration/goal.js';
import { createExitTable } from '../calibration/scores/exit-table.js';
import type { Recording } from '../calibration/scores/recording.js';
import { choosePath } from '../calibration/search/choose-path.js';
import { testPath } from '../calibration/search/evaluate-path.js';
import type { ManifestExit } from '../format/manifest.js';
import type { Times } from './times/measure-times.js';

/** An exit is added if it saves at least this share of the network's time. */
export const LEAST_GAIN = 0.01;

export interface Choice {
  /** Indices of the candidates, in the order of the network. */
  readonly chosen: readonly number[];
  /** For each ε, the time for an image that is expected with them, as a share of the plain network's. */
  readonly expected: readonly number[];
}

export interface ChoiceOptions {
  /** By candidate, its logits for every image, [images, classes]. */
  readonly candidates: readonly Float32Array[];
  /** The network's own, [images, classes]. */
  readonly final: Float32Array;
  readonly classes: number;
  readonly times: Times;
  readonly epsilons: readonly number[];
  readonly delta: number;
  readonly mostExits: number;
}

/** What counts is the mean over all ε of the time, as the thresholds would be that pass on these images. */
export function chooseExits(options: ChoiceOptions): Choice {
  const { candidates, epsilons, mostExits } = options;
  let best: Choice = { chosen: [], expected: epsilons.map(() => 1) };
  while (best.chosen.length < mostExits) {
    const extended = candidates
      .map((_, index) => index)
      .filter((index) => !best.chosen.includes(index))
      .map((index) =>
        expectedWith(
          [...best.chosen, index].sort((a, b) => a - b),
          options,
        ),
      );
    const [next] = extended.sort((a, b) => mean(a.expected) - mean(b.expected));
    if (!next || mean(next.expected) > mean(best.expected) - LEAST_GAIN) break;
    best = next;
  }
  return best;
}

function expectedWith(chosen: readonly number[], options: ChoiceOptions): Choice {
  const { times, epsilons, delta } = options;
  const exits = exitsOf(chosen);
  const costOf = costsOf(chosen, exits, times);
  const tables = { clean: createExitTable(recordingOf(chosen, options), 'margin') };
  const goalOf = (epsilon: number): CalibrationGoal => ({
    risks: [{ loss: 'consistency', data: 'clean', epsilon }],
    delta,
    costOf,
  });
  const path = choosePath([tables], exits, goalOf(Math.max(...epsilons)));
  const expected = epsilons.map((epsilon) => {
    const { points, choice } = testPath(path, tables, exits, goalOf(epsilon));
    const point = choice.kind === 'point' ? points[choice.index] : undefined;
    return point ? meanCost(point.exitShares, costOf(point.thresholds)) / times.whole : 1;
  });
  return { chosen, expected };
}

/** FLOPs are 0: time alone decides. */
function exitsOf(chosen: readonly number[]): ManifestExit[] {
  const flops = { stage: 0, head: 0, cumulative: 0 };
  return [
    ...chosen.map((index) => ({ name: `${index}`, logits: `${index}`, cut: `${index}`, flops })),
    { name: 'final', logits: 'final', flops },
  ];
}

/** A segment is all stages between its ends, and the head that it ends with. */
function costsOf(
  chosen: readonly number[],
  exits: readonly ManifestExit[],
  { stages, heads }: Times,
): CostByExit {
  const ends = [...chosen, stages.length - 1];
  return timeCost(exits, (from, to) => {
    const [first, last] = [(ends[from] ?? -1) + 1, ends[to] as number];
    return stages.slice(first, last + 1).reduce((sum, stage) => sum + stage, heads[last] ?? 0);
  });
}

function recordingOf(chosen: readonly number[], { candidates, final, classes }: ChoiceOptions): Recording {
  const images = final.length / classes;
  const rows = [...chosen.map((index) => candidates[index] as Float32Array), final];
  const logits = new Float32Array(images * rows.length * classes);
  for (let image = 0; image < images; image++) {
    rows.forEach((row, exit) => {
      const part = row.subarray(image * classes, (image + 1) * classes);
      logits.set(part, (image * rows.length + exit) * classes);
    });
  }
  const none = { model: '', modelSha256: '', describedSha256: '', dataSha256: '' };
  return { ...none, images, exits: rows.length, classes, logits };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
