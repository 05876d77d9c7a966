// Fixed-sequence testing (Learn-then-Test, Angelopoulos et al. 2021): hypotheses in an order fixed beforehand, each
// at the full level δ, until the first that is not rejected. The chance of any false rejection is at most δ.

/**
 * How many hypotheses are rejected: the last one rejected is the one before the first with p > δ, not that one.
 * @param pValues in the order fixed beforehand.
 */
export function countRejected(pValues: readonly number[], delta: number): number {
  const kept = pValues.findIndex((p) => !(p <= delta));
  return kept < 0 ? pValues.length : kept;
}

export interface Evidence {
  /** Per point of the path, λ_0 first: the p-value of "its risk exceeds ε", the largest one if there are several. */
  readonly risk?: readonly number[];
  /** Per point: the p-value of "its mean cost exceeds the budget". */
  readonly cost?: readonly number[];
}

export type Choice =
  | { readonly kind: 'point'; readonly index: number }
  /** Not even the first step away from λ_0 is certified. */
  | { readonly kind: 'none' }
  /** No point keeps the budget; or none keeps the budget and the risk. */
  | { readonly kind: 'infeasible'; readonly because: 'budget' | 'both' };

/**
 * Risk alone: the cheapest point certified, tested from λ_0 on, which has no risk by definition.
 * Budget alone: the most careful point certified, tested from the aggressive end.
 * Both: the cheapest point that has both, or infeasible.
 * @param level of each of the tests: δ, or a part of it where there are two.
 */
export function choosePoint({ risk, cost }: Evidence, level: number): Choice {
  const deepest = risk ? countRejected(risk.slice(1), level) : 0;
  if (!cost) return deepest > 0 ? { kind: 'point', index: deepest } : { kind: 'none' };

  const affordable = cost.length - countRejected(cost.toReversed(), level);
  if (affordable === cost.length) return { kind: 'infeasible', because: 'budget' };
  if (!risk) return { kind: 'point', index: affordable };
  return affordable <= deepest ? { kind: 'point', index: deepest } : { kind: 'infeasible', because: 'both' };
}
