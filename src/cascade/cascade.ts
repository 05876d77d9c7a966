// The cascade: runs a segment, scores its exit, releases the images that may leave, compacts the rest and continues.
// Nothing behind the exit at which an image leaves is computed for it. Batches that need the same segment may share an
// engine call, whatever their paths and thresholds.

import type { Segment, SegmentOutput } from '../engines/engine.js';
import type { Policy } from '../format/profiles.js';
import type { Clock } from '../foundation/clock.js';
import { invariant } from '../foundation/errors.js';
import { type ExecutionPath, lastStep, type Step } from '../network/execution-path.js';
import { policies } from '../policies/policies.js';
import { clears } from '../policies/policy.js';
import { argmax, softmax } from '../policies/probabilities.js';
import { concatenate } from './concatenate.js';
import { createTrail, type Explain, type Trail, type Visit } from './explain.js';

/** Why an image left at its exit. */
export type ExitReason = 'confident' | 'final' | 'budget' | 'deadline';

export interface Departure {
  /** Index of the image in the batch. */
  readonly image: number;
  /** Index of the step at which the image left. */
  readonly step: number;
  readonly reason: ExitReason;
  readonly score: number;
  readonly probabilities: Float32Array;
  /** Of an explained image: all exits at which it was scored, in order. */
  readonly visits?: readonly Visit[];
}

export interface SegmentRun {
  /** The exit at which the segment ends. */
  readonly exit: number;
  /** Number of images in the engine call, over all batches. */
  readonly batch: number;
  /** Start of the engine call, and its duration. */
  readonly started: number;
  readonly seconds: number;
}

export interface CascadeInput {
  readonly path: ExecutionPath;
  readonly segmentOf: (step: Step) => Segment;
  readonly policy: Policy;
  /** Index of the network's final exit. A path that ends before it is limited by a budget. */
  readonly finalExit: number;
  /** `batch` image rows for the engine. */
  readonly images: Float32Array;
  readonly batch: number;
  /** Deadline of an image, on the clock `now`. The image leaves at the first exit that it reaches after it. */
  readonly deadlineOf: (image: number) => number;
  /** Whether the client of an image has disconnected. Such an image is dropped without a departure. */
  readonly isCancelled: (image: number) => boolean;
  /** undefined: nothing is recorded. */
  readonly explain?: Explain | undefined;
  readonly now: Clock;
}

export interface CascadeProgress {
  readonly run: SegmentRun;
  readonly departures: readonly Departure[];
}

/** The state of a batch between two engine calls. */
export interface Descent {
  readonly input: CascadeInput;
  /** By step. */
  readonly segments: readonly Segment[];
  /** Index of the next step. */
  step: number;
  /** The images that have not left. */
  staying: readonly number[];
  /** Input rows of these images for the next segment. */
  rows: Float32Array;
  /** By image: the label at the last exit, and the number of consecutive exits with that label. */
  readonly label: Int32Array;
  readonly agreeing: Int32Array;
  /** undefined: the batch is not explained. */
  readonly trail: Trail<Departure> | undefined;
}

export function beginDescent(input: CascadeInput): Descent {
  const { batch } = input;
  return {
    input,
    segments: input.path.map(input.segmentOf),
    step: 0,
    staying: Array.from({ length: batch }, (_, image) => image),
    rows: input.images,
    label: new Int32Array(batch).fill(-1),
    agreeing: new Int32Array(batch),
    trail: input.explain && createTrail({ ...input, explain: input.explain }),
  };
}

/** The next segment of the batch. */
export function nextSegment({ segments, step }: Descent): Segment {
  const segment = segments[step];
  invariant(segment, 'no image stays after the last step');
  return segment;
}

/** The exit at which the next segment ends. */
export function nextExit({ input, step }: Descent): number {
  return input.path[step]?.exit ?? -1;
}

/** Drops images whose client has disconnected. */
export function dropCancelled(descent: Descent): void {
  const { input, staying, rows } = descent;
  [descent.staying, descent.rows] = keep(staying, rows, (image) => !input.isCancelled(image));
}

/**
 * One engine call for all images of the given batches.
 * @param together batches with the same next segment; each has at least one image left
 * @returns the call, and the departures by batch
 */
export async function descend(
  together: readonly Descent[],
): Promise<{ readonly run: SegmentRun; readonly departures: readonly (readonly Departure[])[] }> {
  const [first] = together;
  invariant(first, 'an engine call is for at least one batch');
  const { now } = first.input;
  const batch = together.reduce((sum, { staying }) => sum + staying.length, 0);
  const rows =
    together.length === 1
      ? first.rows
      : concatenate(
          Float32Array,
          together.map((one) => one.rows),
        );
  const exit = nextExit(first);

  const started = now();
  const output = await nextSegment(first).run(rows, batch);
  const run: SegmentRun = { exit, batch, started, seconds: now() - started };

  let row = 0;
  const departures = together.map((descent) => {
    const part = { first: row, count: descent.staying.length };
    row += part.count;
    return advance(descent, {
      logits: partOf(output.logits, batch, part),
      ...(output.cut && { cut: partOf(output.cut, batch, part) }),
    });
  });
  return { run, departures };
}

/** Runs one batch alone. Yields after every segment; ends when no image is left. */
export async function* runCascade(input: CascadeInput): AsyncGenerator<CascadeProgress> {
  const descent = beginDescent(input);
  for (;;) {
    dropCancelled(descent);
    if (descent.staying.length === 0) return;
    const {
      run,
      departures: [departures = []],
    } = await descend([descent]);
    yield { run, departures };
  }
}

/** Scores all images at the exit reached and compacts the rows of those that stay. @returns the departures */
function advance(descent: Descent, { logits, cut }: SegmentOutput): Departure[] {
  const { input, staying, step: index, label, agreeing, trail } = descent;
  const { path } = input;
  const policy = policies[input.policy];
  const step = path[index];
  invariant(step, 'no image stays after the last step');
  const classes = logits.length / staying.length;
  const departures: Departure[] = [];
  const stays = staying.map((image, row) => {
    const probabilities = softmax(logits.subarray(row * classes, (row + 1) * classes));
    const best = argmax(probabilities);
    agreeing[image] = label[image] === best ? (agreeing[image] as number) + 1 : 1;
    label[image] = best;
    const score = policy.score(probabilities, agreeing[image] as number);
    const reason = reasonToLeave(input, step, score, image);
    const exited = reason && { image, step: index, reason, score, probabilities };
    const departure = trail
      ? trail.pass(
          image,
          { step: index, score, cleared: isCleared(input, step, score), probabilities },
          exited,
        )
      : exited;
    if (!departure) return true;
    departures.push(departure);
    return false;
  });
  descent.step++;
  if (departures.length === staying.length) {
    descent.staying = [];
  } else {
    invariant(cut, `the segment that ends at exit ${step.exit} gives no cut`);
    [descent.staying, descent.rows] = keep(staying, cut, (_, row) => stays[row] === true);
  }
  return departures;
}

function reasonToLeave(
  input: CascadeInput,
  step: Step,
  score: number,
  image: number,
): ExitReason | undefined {
  if (step.exit === input.finalExit) return 'final';
  if (isCleared(input, step, score)) return 'confident';
  if (step === lastStep(input.path)) return 'budget';
  return input.now() >= input.deadlineOf(image) ? 'deadline' : undefined;
}

function isCleared({ policy }: CascadeInput, { threshold }: Step, score: number): boolean {
  return threshold !== null && clears(policies[policy], score, threshold);
}

/** A view of some rows of a tensor with `batch` rows; not a copy. */
function partOf(
  tensor: Float32Array,
  batch: number,
  { first, count }: { readonly first: number; readonly count: number },
): Float32Array {
  const size = tensor.length / batch;
  return tensor.subarray(first * size, (first + count) * size);
}

/** The images that satisfy `condition`, with their rows compacted; the same arrays if all images satisfy it. */
function keep(
  images: readonly number[],
  rows: Float32Array,
  condition: (image: number, row: number) => boolean,
): [readonly number[], Float32Array] {
  const kept = images.flatMap((image, row) => (condition(image, row) ? [row] : []));
  if (kept.length === images.length) return [images, rows];
  const size = rows.length / images.length;
  const compact = new Float32Array(kept.length * size);
  kept.forEach((row, place) => {
    compact.set(rows.subarray(row * size, (row + 1) * size), place * size);
  });
  return [kept.map((row) => images[row] as number), compact];
}
