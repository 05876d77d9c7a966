// The largest probability (MSDNet).
import type { ExitPolicy } from './policy.js';
import { argmax } from './probabilities.js';

export const maxSoftmax: ExitPolicy = {
  description: 'the largest probability',
  surer: 'higher',
  countsAgreement: false,
  range: () => [0, 1],
  score: (probabilities) => probabilities[argmax(probabilities)] as number,
};
