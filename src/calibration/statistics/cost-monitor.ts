// Tests one client's compute while it is served: bets against "its images reach deep exits no more often than was
// certified". While that is true, the capital stays small with high probability, however long the client sends.
// Pure; serving/slowdown/ keeps the state of each client. reach-odds.ts gives the odds of the bets.

/** The share of its pot that is bet on each image; of the capital that is bet, the share that goes into this pot. */
const BETS = [
  // Finds soonest what a third of slow images among good ones does.
  { bet: 0.2, share: 0.85 },
  // Finds small excesses, in the end.
  { bet: 0.05, share: 0.15 },
] as const;
/** Share of the capital that is bet from the first image on; the rest is spread over later starts. */
const AT_ONCE = 0.75;
/** Number of images over which the reserve for later starts first shrinks noticeably. */
const HORIZON = 1000;

/** What is kept of one client. */
export interface CostEvidence {
  /** Number of images observed. */
  images: number;
  /** The present value of each bet of BETS. */
  readonly pots: [number, number];
}

/** Before the first image; its evidence is 1. */
export function createCostEvidence(): CostEvidence {
  const [first, second] = BETS;
  return { images: 0, pots: [AT_ONCE * first.share, AT_ONCE * second.share] };
}

/**
 * Adds one image; call in the order in which images were taken on. Mixture of the betting martingales
 * Π_{i≥s} (1 + b (o_i − 1)) over bets b ∈ BETS and starts s. The start s has the weight by which the reserve shrinks
 * at s, so a client that was good for long is also found: log(1/weight) of evidence later. The bets do not depend on
 * the past, and E[o_i | the past] ≤ 1 makes each martingale a supermartingale. So the probability that the evidence ever
 * reaches 1/α is at most α (Ville's inequality; Ramdas et al., "Game-theoretic statistics and safe anytime-valid
 * inference", 2023). Starts as in e-detectors (Shin, Ramdas and Rinaldo 2023), but with weights that sum to 1.
 * @param odds from `reachOdds`, at the exit that the image took
 */
export function observeCost(evidence: CostEvidence, odds: number): void {
  const { images, pots } = evidence;
  const invested = reserve(images) - reserve(images + 1);
  BETS.forEach(({ bet, share }, index) => {
    pots[index] = ((pots[index] ?? 0) + share * invested) * (1 + bet * (odds - 1));
  });
  evidence.images = images + 1;
}

/** What a bet of 1 against the certificate has become. Unlike its limit 1/α, it may fall again. */
export function costEvidence({ images, pots: [first, second] }: CostEvidence): number {
  return reserve(images) + first + second;
}

/** The part of the capital that is not yet bet after so many images. */
function reserve(images: number): number {
  return (1 - AT_ONCE) / Math.sqrt(1 + images / HORIZON);
}
