// The number of consecutive active exits that predict the same class (PABEE).
import type { ExitPolicy } from './policy.js';

export const patience: ExitPolicy = {
  description: 'active exits in a row that agree',
  surer: 'higher',
  countsAgreement: true,
  range: (exitCount) => [1, exitCount],
  score: (probabilities, agreeing) => (Number.isNaN(probabilities[0]) ? Number.NaN : agreeing),
};
