// Chooses which candidates become exits: one after the other the one that saves most time, as long as one saves enough.
// Decided on images apart from those that the heads are fitted to, and from those that calibrate and certify later.
import type { CalibrationGoal } from '../calibration/goal.js';
import { createExitTable } from '../calibration/scores/exit-table.js';
import type { Recording } from '../calibration/scores/recording.js';
import { choosePath } from '../calibration/search/choose-path.js';
import { testPath } from '../calibration/search/evaluate-path.js';
import type { ManifestExit } from '../format/manifest.js';
import type { Times } from './measure-times.js';

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
  const exits = timedExits(chosen, times);
  const tables = { clean: createExitTable(recordingOf(chosen, options), 'margin') };
  const goalOf = (epsilon: number): CalibrationGoal => ({
    risks: [{ loss: 'consistency', data: 'clean', epsilon }],
    delta,
  });
  const path = choosePath([tables], exits, goalOf(Math.max(...epsilons)));
  const expected = epsilons.map((epsilon) => {
    const { points, choice } = testPath(path, tables, exits, goalOf(epsilon));
    const point = choice.kind === 'point' ? points[choice.index] : undefined;
    return point ? point.meanFlops / (1e9 * times.whole) : 1;
  });
  return { chosen, expected };
}

/** Exits whose costs are nanoseconds: what the search for thresholds then makes small is time. */
function timedExits(chosen: readonly number[], { stages, heads }: Times): ManifestExit[] {
  const ends = [...chosen, stages.length - 1];
  let cumulative = 0;
  return ends.map((end, index) => {
    const from = index === 0 ? 0 : (ends[index - 1] as number) + 1;
    const stage = Math.round(1e9 * stages.slice(from, end + 1).reduce((sum, seconds) => sum + seconds, 0));
    const isFinal = index === ends.length - 1;
    const head = isFinal ? 0 : Math.round(1e9 * (heads[end] as number));
    cumulative += stage + head;
    return {
      name: `${index}`,
      logits: `${index}`,
      ...(!isFinal && { cut: `${index}` }),
      flops: { stage, head, cumulative },
    };
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
