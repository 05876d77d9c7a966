// An upper confidence bound for a mean: the p-value of Hoeffding and Bentkus, turned round.
import { hoeffdingBentkusPValue } from './p-values.js';

/** Halvings of [0, 1]: finer than a double can tell apart near 1. */
const HALVINGS = 52;

/**
 * The least r for which "the mean is at least r" is rejected at level `delta`; 1 if none is.
 * The true mean of the distribution is below it with probability at least 1 − δ.
 * @param total sum of `n` values in [0, 1].
 */
export function upperMeanBound(total: number, n: number, delta: number): number {
  let low = total / n;
  let high = 1;
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (low + high) / 2;
    // Rounding may bring the middle to the end of the range, where the p-value is not defined.
    if (middle >= 1 || hoeffdingBentkusPValue(total, n, middle) > delta) low = middle;
    else high = middle;
  }
  return high;
}
