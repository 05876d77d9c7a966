// The difference between the two largest probabilities.
import type { ExitPolicy } from './policy.js';

export const margin: ExitPolicy = {
  description: 'the largest less the second',
  surer: 'higher',
  countsAgreement: false,
  range: () => [0, 1],
  score: gapAtTheTop,
};

function gapAtTheTop(probabilities: Float32Array): number {
  let first = Number.NEGATIVE_INFINITY;
  let second = Number.NEGATIVE_INFINITY;
  for (const p of probabilities) {
    if (p > first) [first, second] = [p, first];
    else if (p > second) second = p;
  }
  return first - second;
}
