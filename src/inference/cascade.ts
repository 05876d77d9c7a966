// The cascade: run a segment, score its exit, let go the images that may leave, compact the rest, go on.
// What lies behind the exit an image leaves at is never computed for it.
import type { Clock } from '../clock.js';
import type { Segment } from '../engines/engine.js';
import { invariant } from '../errors.js';
import type { Policy } from '../models/profiles.js';
import { argmax, clears, scoreOf, softmax } from './exit-policy.js';
import type { Path, Step } from './path.js';

/** Why an image left where it did. */
export type ExitReason = 'confident' | 'final' | 'budget' | 'deadline';

export interface Departure {
  /** The image's place in the batch. */
  readonly image: number;
  /** Index of the step it left at. */
  readonly step: number;
  readonly reason: ExitReason;
  readonly score: number;
  readonly probabilities: Float32Array;
}

export interface SegmentRun {
  /** The exit at which the segment ends. */
  readonly exit: number;
  /** Images it ran on. */
  readonly batch: number;
  /** When the engine call began, and how long it took. */
  readonly started: number;
  readonly seconds: number;
}

export interface CascadeInput {
  readonly path: Path;
  readonly segmentOf: (step: Step) => Segment;
  readonly policy: Policy;
  /** Index of the network's final exit; a path that ends before it was cut short by a budget. */
  readonly finalExit: number;
  /** Image rows for the engine, `batch` of them. */
  readonly images: Float32Array;
  readonly batch: number;
  /** When an image must be answered, by `now`; it leaves at the first exit it reaches after that. */
  readonly deadlineOf: (image: number) => number;
  /** Whether nobody waits for an image any more; it is let go without a departure. */
  readonly isCancelled: (image: number) => boolean;
  readonly now: Clock;
}

export interface CascadeProgress {
  readonly run: SegmentRun;
  readonly departures: readonly Departure[];
  /** Images that go on to the next segment. */
  readonly staying: number;
}

/** Yields after every segment: what it took, and who left. Ends when nobody is left. */
export async function* runCascade(input: CascadeInput): AsyncGenerator<CascadeProgress> {
  const { path, policy, batch, now } = input;
  const label = new Int32Array(batch).fill(-1);
  const agreeing = new Int32Array(batch);
  let staying = Array.from({ length: batch }, (_, image) => image);
  let rows = input.images;

  for (const [index, step] of path.entries()) {
    [staying, rows] = keep(staying, rows, (image) => !input.isCancelled(image));
    if (staying.length === 0) return;

    const started = now();
    const output = await input.segmentOf(step).run(rows, staying.length);
    const finished = now();

    const isLast = index === path.length - 1;
    const classes = output.logits.length / staying.length;
    const departures: Departure[] = [];
    const stays = staying.map((image, row) => {
      const probabilities = softmax(output.logits.subarray(row * classes, (row + 1) * classes));
      const best = argmax(probabilities);
      agreeing[image] = label[image] === best ? (agreeing[image] as number) + 1 : 1;
      label[image] = best;
      const score = scoreOf(policy, probabilities, agreeing[image] as number);
      const reason = reasonToLeave(score, step, isLast, image);
      if (reason === undefined) return true;
      departures.push({ image, step: index, reason, score, probabilities });
      return false;
    });
    yield {
      run: { exit: step.exit, batch: staying.length, started, seconds: finished - started },
      departures,
      staying: staying.length - departures.length,
    };
    if (departures.length === staying.length) return;

    invariant(output.cut, `the segment that ends at exit ${step.exit} gives no cut`);
    [staying, rows] = keep(staying, output.cut, (_, row) => stays[row] === true);
  }

  function reasonToLeave(score: number, step: Step, isLast: boolean, image: number): ExitReason | undefined {
    if (step.exit === input.finalExit) return 'final';
    if (step.threshold !== null && clears(policy, score, step.threshold)) return 'confident';
    if (isLast) return 'budget';
    return now() >= input.deadlineOf(image) ? 'deadline' : undefined;
  }
}

/** The images that satisfy `condition`, and their rows moved together; the same array where all of them do. */
function keep(
  images: number[],
  rows: Float32Array,
  condition: (image: number, row: number) => boolean,
): [number[], Float32Array] {
  const kept = images.flatMap((image, row) => (condition(image, row) ? [row] : []));
  if (kept.length === images.length) return [images, rows];
  const size = rows.length / images.length;
  const compact = new Float32Array(kept.length * size);
  kept.forEach((row, place) => {
    compact.set(rows.subarray(row * size, (row + 1) * size), place * size);
  });
  return [kept.map((row) => images[row] as number), compact];
}
