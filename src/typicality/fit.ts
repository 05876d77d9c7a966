// Measures what typical images look like: the mean and covariance of their statistics, and how far other such images are
// from that. The distances of images that had no part in the fit make p-values exact (split conformal prediction: Vovk,
// Gammerman, Shafer, "Algorithmic Learning in a Random World", 2005).
import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import { inputSha256 } from '../format/certificate.js';
import type { ModelInput } from '../format/manifest.js';
import { statisticsOf, type TypicalityDocument } from '../format/typicality.js';
import { invertLower } from '../foundation/invert-lower.js';
import { createUniform, shuffledIndices } from '../foundation/random.js';
import { version } from '../foundation/version.js';
import { distanceTo } from './distance.js';

/** With fewer images nothing is measured: half of them fit up to 36 covariances. */
export const FEWEST_IMAGES = 400;
/** The share of typical images that is called not typical. */
const LEVEL = 0.01;
const FIT_SHARE = 0.5;
/** No statistic is unusual because of so small a difference: its unit is a share, or a natural logarithm. */
const LEAST_DEVIATION = 0.01;
/** The most distant reference images are all kept, of the others about so many. */
const KEPT_ALL = 100;
const KEPT_OF_OTHERS = 50;
/** Of mean and whitening. Distances are kept as they are, so that ranks are exact. */
const DIGITS = 6;

export interface FitOptions {
  readonly input: ModelInput;
  /** One row per image; at least `FEWEST_IMAGES`. */
  readonly statistics: readonly Float64Array[];
  readonly seed: number;
  readonly dataSha256: string;
  readonly date: Date;
}

export function fitTypicality(options: FitOptions): TypicalityDocument {
  const { input, statistics, seed } = options;
  const order = Array.from(shuffledIndices(statistics.length, createUniform(seed)));
  const mixed = order.map((index) => statistics[index] as Float64Array);
  const count = Math.round(FIT_SHARE * mixed.length);
  const [fit, others] = [mixed.slice(0, count), mixed.slice(count)];
  const mean = meanOf(fit).map(rounded);
  const whitening = whiteningOf(covarianceOf(fit)).map((row) => row.map(rounded));
  return {
    level: LEVEL,
    statistics: [...statisticsOf(input)],
    mean,
    whitening,
    reference: thinned(others.map(distanceTo({ mean, whitening }))),
    images: { fit: fit.length, reference: others.length, seed },
    sha256: { input: inputSha256(input), data: options.dataSha256 },
    date: options.date.toISOString(),
    tool: `rdi-serve ${version}`,
  };
}

function thinned(distances: readonly number[]): TypicalityDocument['reference'] {
  const sorted = distances.toSorted((a, b) => b - a);
  const stride = Math.ceil(sorted.length / KEPT_OF_OTHERS);
  const ranks = sorted
    .map((_, index) => index + 1)
    .filter((rank) => rank <= KEPT_ALL || rank % stride === 0 || rank === sorted.length);
  return { ranks, distances: ranks.map((rank) => sorted[rank - 1] as number) };
}

function meanOf(rows: readonly Float64Array[]): number[] {
  const [first = new Float64Array()] = rows;
  return Array.from(first, (_, place) => rows.reduce((sum, row) => sum + at(row, place), 0) / rows.length);
}

function covarianceOf(rows: readonly Float64Array[]): number[][] {
  const mean = meanOf(rows);
  return mean.map((ofA, a) =>
    mean.map((ofB, b) => {
      const products = rows.reduce((sum, row) => sum + (at(row, a) - ofA) * (at(row, b) - ofB), 0);
      return products / (rows.length - 1) + (a === b ? LEAST_DEVIATION ** 2 : 0);
    }),
  );
}

/** @returns L⁻¹ with matrix = L Lᵀ, as rows of growing length */
function whiteningOf(matrix: number[][]): number[][] {
  const width = matrix.length;
  const lower = new CholeskyDecomposition(new Matrix(matrix)).lowerTriangularMatrix.to1DArray();
  const inverse = invertLower(lower, width);
  return matrix.map((_, row) => [...inverse.subarray(row * width, row * width + row + 1)]);
}

function at(values: ArrayLike<number>, place: number): number {
  return values[place] ?? 0;
}

function rounded(value: number): number {
  return Number(value.toPrecision(DIGITS));
}
