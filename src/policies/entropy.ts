// Normalised entropy: low if one class has nearly all the probability. RDI-Nets (ICLR 2020) and BranchyNet use the
// entropy; here it is normalised.
import type { ExitPolicy } from './policy.js';

export const entropy: ExitPolicy = {
  description: 'normalised entropy H/ln C',
  surer: 'lower',
  countsAgreement: false,
  range: () => [0, 1],
  score: normalisedEntropy,
};

/** Entropy divided by the entropy of the uniform distribution, in [0, 1]. */
function normalisedEntropy(probabilities: Float32Array): number {
  let sum = 0;
  for (const p of probabilities) if (p !== 0) sum -= p * Math.log(p);
  return sum / Math.log(probabilities.length);
}
