// Watches a promised risk while it is being served: a bet against the promise, renewed with every audited answer. As
// long as the promise holds, nobody gets rich by betting against it. Pure; serving/auditing/profile-audit.ts feeds it.

/**
 * How far back the bets look, in units of 1/ε audits. Longer: surer bets; shorter: sooner aware of a change.
 * What these two are worth is measured in the test.
 */
const MEMORY = 5;
/** What is believed before the first audit weighs as much as 1/ε audits at risk ε: no bet until there is evidence. */
const PRIOR = 1;

export interface Monitor {
  /** One audited answer, in the order in which they were drawn. @param loss whether it differed */
  observe(loss: 0 | 1): void;
  /** M_t: what one unit, bet against the promise, has become. 1 at first. */
  evidence(): number;
  /** Whether M_t has ever reached 1/α. */
  isAlarmed(): boolean;
}

/**
 * The betting martingale M_t = Π (1 + b_i (ℓ_i − ε)), b_i ∈ [0, ½/ε] chosen from ℓ_1 … ℓ_{i−1} alone: whatever the b_i,
 * if E[ℓ_i | the past] ≤ ε, the probability that M_t ever reaches 1/α is at most α (Ville's inequality; Waudby-Smith
 * and Ramdas 2023; as a monitor of risk: Timans et al. 2025). b_i is the bet that grows fastest (Kelly) if the risk is
 * what the recent past says: (p̂ − ε) / (ε (1 − ε)), with p̂ the exponentially weighted mean of about 5/ε losses. While
 * the risk is below ε nothing is bet, so evidence does not sink either, and a later change is found as soon.
 *
 * @param epsilon the promise, in (0, 1)
 * @param alpha the probability of an alarm, ever, though the promise holds
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
