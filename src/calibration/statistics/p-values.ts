// p-values of the hypothesis "the risk exceeds ε", one for each kind of loss. A small p-value speaks against it.
// Each is valid for every n: if the risk exceeds ε, then P(p ≤ u) ≤ u for every u.
import { logBinomialCdf } from './binomial.js';

/**
 * Losses of 0 or 1: the exact binomial, p = F_Bin(Σℓ; n, ε).
 * @param total Σℓ, a whole number.
 * @param epsilon in (0, 1).
 */
export function binomialPValue(total: number, n: number, epsilon: number): number {
  return Math.exp(logBinomialCdf(total, n, epsilon));
}

/**
 * Losses in [0, 1]: Hoeffding–Bentkus (Bates et al., "Distribution-free, risk-controlling prediction sets", 2021),
 * p = min{ exp(−n·h(min(R̂, ε), ε)), e·F_Bin(⌈nR̂⌉; n, ε) }, with h(a, b) = a·ln(a/b) + (1 − a)·ln((1 − a)/(1 − b)).
 * @param total Σℓ = n·R̂.
 * @param epsilon in (0, 1).
 */
export function hoeffdingBentkusPValue(total: number, n: number, epsilon: number): number {
  const hoeffding = -n * relativeEntropy(Math.min(total / n, epsilon), epsilon);
  const bentkus = 1 + logBinomialCdf(Math.ceil(total), n, epsilon);
  return Math.exp(Math.min(0, hoeffding, bentkus));
}

/**
 * Losses in [−1, 1], in random order: betting (Waudby-Smith and Ramdas, "Estimating means of bounded random variables
 * by betting", 2024; for early exits Jazbec et al. 2024). If the risk exceeds ε, the capital
 * K_t = Π_{i≤t} (1 − ν_i(ℓ_i − ε)) is a supermartingale, so p = min(1, 1/max_t K_t) is valid (Ville's inequality). The
 * bets ν_i = min{1, √(2·ln(1/δ) / (n·σ̂²_{i−1}))} depend on earlier losses only; mean and variance start at ½ and ¼.
 * @param delta the level for which the bets are tuned; the p-value is valid at every level.
 */
export function bettingPValue(losses: ArrayLike<number>, epsilon: number, delta: number): number {
  const n = losses.length;
  const stake = (2 * Math.log(1 / delta)) / n;
  let logCapital = 0;
  let best = 0;
  let lossSum = 1 / 2;
  let squareSum = 1 / 4;
  for (let i = 0; i < n; i++) {
    const loss = losses[i] as number;
    const bet = Math.min(1, Math.sqrt((stake * (i + 1)) / squareSum));
    logCapital += Math.log1p(-bet * (loss - epsilon));
    best = Math.max(best, logCapital);
    lossSum += loss;
    squareSum += (loss - lossSum / (i + 2)) ** 2;
  }
  return Math.exp(-best);
}

/** Kullback–Leibler divergence of two Bernoulli distributions, in nats. */
function relativeEntropy(a: number, b: number): number {
  const ones = a === 0 ? 0 : a * Math.log(a / b);
  const zeros = a === 1 ? 0 : (1 - a) * Math.log((1 - a) / (1 - b));
  return ones + zeros;
}
