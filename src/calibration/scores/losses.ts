// The loss of an early exit for each image, and the p-value that fits each kind of loss.
import type { LossName } from '../../format/certificate.js';
import { invariant } from '../../foundation/errors.js';
import { bettingPValue, binomialPValue } from '../statistics/p-values.js';
import type { ExitTable } from './exit-table.js';

/** Name of the statistical test for each loss. */
export const testNames: Record<LossName, string> = { consistency: 'exact binomial', error: 'betting' };

/**
 * consistency: 1{ŷ ≠ ŷ_final}, which needs no true classes.
 * error (its increase): 1{ŷ ≠ y} − 1{ŷ_final ≠ y}, whose mean is the accuracy lost.
 * @param taken [image]: the exit at which the image leaves.
 */
export function lossesOf(name: LossName, table: ExitTable, taken: Uint8Array): Int8Array {
  const { labels, truth } = table;
  const final = labels.at(-1);
  invariant(final && (truth || name === 'consistency'), 'the error needs the true classes');
  return Int8Array.from(taken, (exit, image) => {
    const [answer, reference] = [labels[exit]?.[image], final[image]];
    if (name === 'consistency') return Number(answer !== reference);
    const right = truth?.[image];
    return Number(answer !== right) - Number(reference !== right);
  });
}

/**
 * The p-value of "the mean loss exceeds ε".
 * @param losses in random order.
 * @param delta the level that the p-value will be compared with.
 */
export function pValueOf(name: LossName, losses: Int8Array, epsilon: number, delta: number): number {
  return name === 'consistency'
    ? binomialPValue(sum(losses), losses.length, epsilon)
    : bettingPValue(losses, epsilon, delta);
}

export function sum(values: Int8Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
