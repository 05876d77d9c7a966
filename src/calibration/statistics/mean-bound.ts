// Upper confidence bounds for a mean and for a share, by inverting p-values.
import { binomialPValue, hoeffdingBentkusPValue } from './p-values.js';

/** Number of bisection steps on [0, 1]; 2⁻⁵² is the spacing of doubles from 1 upwards. */
const HALVINGS = 52;

/**
 * The least r for which "the mean is at least r" is rejected at level `delta`; 1 if none is.
 * The true mean of the distribution is below r with probability at least 1 − δ.
 * @param total sum of `n` values in [0, 1].
 */
export function upperMeanBound(total: number, n: number, delta: number): number {
  return leastRejected(hoeffdingBentkusPValue, total, n, delta);
}

/**
 * The same for a share, exactly (Clopper and Pearson 1934).
 * @param count how many of `n`
 */
export function upperShareBound(count: number, n: number, delta: number): number {
  return leastRejected(binomialPValue, count, n, delta);
}

function leastRejected(
  pValue: (total: number, n: number, hypothesis: number) => number,
  total: number,
  n: number,
  delta: number,
): number {
  let low = total / n;
  let high = 1;
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (low + high) / 2;
    // Rounding can make the middle equal to 1, where the p-value is not defined.
    if (middle >= 1 || pValue(total, n, middle) > delta) low = middle;
    else high = middle;
  }
  return high;
}
