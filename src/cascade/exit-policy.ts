// What decides whether an image may leave: the score of each policy and how it compares with a threshold.
// Pure functions over one image's values; the cascade calls them at every active exit.
import type { Policy } from '../format/profiles.js';

/** Probabilities of one row of logits, numerically stable. */
export function softmax(logits: Float32Array): Float32Array {
  let largest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) if (logit > largest) largest = logit;
  const probabilities = new Float32Array(logits.length);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    const weight = Math.exp((logits[i] as number) - largest);
    probabilities[i] = weight;
    sum += weight;
  }
  for (let i = 0; i < probabilities.length; i++) probabilities[i] = (probabilities[i] as number) / sum;
  return probabilities;
}

/** Index of the largest value; the first one of equals. */
export function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}

/** Entropy divided by that of the uniform distribution, in [0, 1] (RDI-Nets and BranchyNet, normalised). */
export function normalisedEntropy(probabilities: Float32Array): number {
  let entropy = 0;
  for (const p of probabilities) if (p !== 0) entropy -= p * Math.log(p);
  return entropy / Math.log(probabilities.length);
}

/** The largest probability less the second largest, in [0, 1]. */
export function margin(probabilities: Float32Array): number {
  let first = Number.NEGATIVE_INFINITY;
  let second = Number.NEGATIVE_INFINITY;
  for (const p of probabilities) {
    if (p > first) [first, second] = [p, first];
    else if (p > second) second = p;
  }
  return first - second;
}

/**
 * What `policy` compares with a threshold; NaN where the network's output is not a number.
 * @param agreeing active exits in a row, this one included, that gave the same label (used by patience, PABEE).
 */
export function scoreOf(policy: Policy, probabilities: Float32Array, agreeing: number): number {
  switch (policy) {
    case 'entropy':
      return normalisedEntropy(probabilities);
    case 'max-softmax':
      return probabilities[argmax(probabilities)] as number;
    case 'margin':
      return margin(probabilities);
    case 'patience':
      return Number.isNaN(probabilities[0]) ? Number.NaN : agreeing;
  }
}

/** Whether an image with this score may leave. A score that is not a number never may. */
export function clears(policy: Policy, score: number, threshold: number): boolean {
  return policy === 'entropy' ? score < threshold : score >= threshold;
}
