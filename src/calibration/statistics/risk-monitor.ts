// Monitors a certified risk while the profile is served: a bet against the certificate, renewed with every audited
// answer. While the certificate holds, the value of the bet stays small with high probability.
// Pure; serving/auditing/profile-audit.ts supplies the answers.

/**
 * Length of the memory that sets the bets, in units of 1/ε audits. A longer memory gives more accurate bets; a shorter
 * one detects changes sooner. test/calibration/statistics/risk-monitor.test.ts measures the effect.
 */
const MEMORY = 5;
/** The prior weighs as much as 1/ε audits at risk ε, so that nothing is bet before there is evidence. */
const PRIOR = 1;

export interface Monitor {
  /** Adds one audited answer; call in the order in which answers were sampled. @param loss 1 if the answer differed */
  observe(loss: 0 | 1): void;
  /** M_t: the current value of a bet of 1 against the certificate. Starts at 1. */
  evidence(): number;
  /** Whether M_t has ever reached 1/α. */
  isAlarmed(): boolean;
}

/**
 * The betting martingale M_t = Π (1 + b_i (ℓ_i − ε)), with b_i ∈ [0, ½/ε] chosen from ℓ_1 … ℓ_{i−1} alone. For any
 * such b_i, if E[ℓ_i | the past] ≤ ε, the probability that M_t ever reaches 1/α is at most α (Ville's inequality;
 * Waudby-Smith and Ramdas 2023; as a monitor of risk: Timans et al. 2025). b_i is the Kelly bet for the recent risk p̂:
 * (p̂ − ε) / (ε (1 − ε)), where p̂ is the exponentially weighted mean of about 5/ε losses. While p̂ is below ε, nothing
 * is bet. So the evidence does not shrink, and a later change is detected just as soon.
 *
 * @param epsilon the certified risk limit, in (0, 1)
 * @param alpha the probability of a false alarm at any time
 */
export function createMonitor(epsilon: number, alpha: number): Monitor {
  const forgetting = 1 - Math.min(1, epsilon / MEMORY);
  const threshold = Math.log(1 / alpha);
  let losses = PRIOR;
  let weight = PRIOR / epsilon;
  let logEvidence = 0;
  let isAlarmed = false;
  return {
    observe(loss) {
      const kelly = (losses / weight - epsilon) / (epsilon * (1 - epsilon));
      const bet = Math.min(0.5 / epsilon, Math.max(0, kelly));
      logEvidence += Math.log1p(bet * (loss - epsilon));
      isAlarmed ||= logEvidence >= threshold;
      losses = losses * forgetting + loss;
      weight = weight * forgetting + 1;
    },
    evidence: () => Math.exp(logEvidence),
    isAlarmed: () => isAlarmed,
  };
}
