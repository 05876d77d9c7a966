// Comparing a count from a simulation with a probability that it must not exceed.
import assert from 'node:assert/strict';

/** Whether `count` of `rounds` is at most the probability plus two standard errors. */
export function isWithinLuck(count: number, rounds: number, probability: number): boolean {
  const standardError = Math.sqrt((probability * (1 - probability)) / rounds);
  return count / rounds <= probability + 2 * standardError;
}

export function atMostWithLuck(count: number, rounds: number, probability: number): void {
  assert.ok(
    isWithinLuck(count, rounds, probability),
    `${count} of ${rounds}, more than ${probability} allows`,
  );
}
