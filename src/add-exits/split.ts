// Which images do what: no image that fits or chooses heads builds a path or tests one, and none that builds a path tests
// it, however often the same file lies in the folder.
import { createHash } from 'node:crypto';
import type { Sample } from '../datasets/data-set.js';
import { UsageError } from '../foundation/errors.js';
import { createUniform, shuffledIndices } from '../foundation/random.js';

/** More gain little, and every one is a pass through the network. */
const MOST_TO_FIT = 10_000;
/** Of all images if none are given apart for fitting. */
const FITTING_SHARE = 0.5;
/** Of the images for fitting: those that choose penalties and exits. */
const CHOOSING_SHARE = 0.25;
/** Of the images that are left: those that build the path; the others test it. */
export const TUNE_SHARE = 0.4;
const FEWEST_TO_FIT = 200;

export interface HashedSample extends Sample {
  /** Of its file, in hexadecimal. */
  readonly sha256: string;
}

export interface Split {
  /** Heads are fitted to these. */
  readonly fit: readonly HashedSample[];
  /** These choose penalties and exits, before the heads of the exits are fitted again to both. */
  readonly choose: readonly HashedSample[];
  /** These build the path of thresholds, and test it. */
  readonly calibrate: readonly HashedSample[];
}

/**
 * @param apart images for fitting alone; then all of `samples` calibrate
 * @param most images for fitting and choosing together that memory allows
 * @throws UsageError if there are too few images to certify the largest of `epsilons`
 */
export function splitSamples(
  samples: readonly HashedSample[],
  apart: readonly HashedSample[] | undefined,
  options: {
    readonly seed: number;
    readonly most: number;
    readonly epsilons: readonly number[];
    readonly delta: number;
  },
): Split {
  const mixed = mix(samples, options.seed);
  const limit = Math.min(MOST_TO_FIT, options.most);
  const count = apart ? 0 : Math.min(limit, Math.round(FITTING_SHARE * mixed.length));
  const fitting = apart ? mix(apart, options.seed).slice(0, limit) : mixed.slice(0, count);
  const choosing = Math.round(CHOOSING_SHARE * fitting.length);
  const split = {
    choose: fitting.slice(0, choosing),
    fit: fitting.slice(choosing),
    calibrate: mixed.slice(count),
  };
  refuseTooFew(split, samples.length, options);
  return split;
}

/** With fewer images that test the path, even a path that never errs is not certified. */
export function fewestToTest(epsilon: number, delta: number): number {
  return Math.ceil(Math.log(delta) / Math.log1p(-epsilon));
}

/**
 * For images that calibrate only.
 * @throws UsageError if there are too few to certify even the largest limit
 */
export function refuseTooFewToTest(
  images: number,
  limits: readonly { readonly epsilon: number; readonly delta: number }[],
): void {
  const needed = Math.min(...limits.map(({ epsilon, delta }) => fewestToTest(epsilon, delta)));
  const test = images - Math.round(TUNE_SHARE * images);
  if (test >= needed) return;
  throw new UsageError(
    `${images} images are too few: ${test} would test the thresholds, where ${needed} are needed. ` +
      `Give at least ${Math.ceil(needed / (1 - TUNE_SHARE)) + 1} images that differ; 5,000 are a good number.`,
  );
}

function refuseTooFew(
  { fit, choose, calibrate }: Split,
  given: number,
  { epsilons, delta }: { readonly epsilons: readonly number[]; readonly delta: number },
): void {
  const largest = Math.max(...epsilons);
  const toTest = fewestToTest(largest, delta);
  const test = calibrate.length - Math.round(TUNE_SHARE * calibrate.length);
  const fitting = fit.length + choose.length;
  if (test >= toTest && fitting >= FEWEST_TO_FIT) return;
  const needed = Math.max(Math.ceil(toTest / (1 - TUNE_SHARE)), 1);
  throw new UsageError(
    `${given} images are too few: ${fitting} would fit the heads, where at least ${FEWEST_TO_FIT} are needed, ` +
      `and ${test} would test the thresholds, where ε = ${largest} needs ${toTest}. ` +
      `Give at least ${Math.max(needed, FEWEST_TO_FIT) * 2} images that differ; 5,000 are a good number.`,
  );
}

function mix(samples: readonly HashedSample[], seed: number): HashedSample[] {
  return Array.from(
    shuffledIndices(samples.length, createUniform(seed)),
    (index) => samples[index] as HashedSample,
  );
}

/** The samples without those whose bytes are the same as another's, or as one of `others`. */
export async function withoutCopies(
  samples: readonly Sample[],
  others: readonly HashedSample[] = [],
): Promise<HashedSample[]> {
  const seen = new Set(others.map(({ sha256 }) => sha256));
  const kept: HashedSample[] = [];
  for (const sample of samples) {
    const sha256 = createHash('sha256')
      .update(await sample.read())
      .digest('hex');
    if (!seen.has(sha256)) kept.push({ ...sample, sha256 });
    seen.add(sha256);
  }
  return kept;
}
