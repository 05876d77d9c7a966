// Fixed-sequence testing (Learn-then-Test, Angelopoulos et al. 2021): tests hypotheses in an order fixed beforehand,
// each at the full level δ, until the first that is not rejected. The probability of any false rejection is at most δ.

/**
 * Number of rejected hypotheses: all before the first with p > δ.
 * @param pValues in the order fixed beforehand.
 */
export function countRejected(pValues: readonly number[], delta: number): number {
  const kept = pValues.findIndex((p) => !(p <= delta));
  return kept < 0 ? pValues.length : kept;
}

export interface Evidence {
  /** Per point of the path, λ_0 first: the p-value of "its risk exceeds ε"; with several risks the largest. */
  readonly risk?: readonly number[];
  /** Per point: the p-value of "its mean cost exceeds the budget". */
  readonly cost?: readonly number[];
}

export type Choice =
  | { readonly kind: 'point'; readonly index: number }
  /** The first step away from λ_0 is not certified. */
  | { readonly kind: 'none' }
  /** budget: no point is certified to keep the budget. both: no point is certified to keep the budget and the risk. */
  | { readonly kind: 'infeasible'; readonly because: 'budget' | 'both' };

/**
 * Risk alone: the cheapest certified point; tests start after λ_0, which has no risk by definition.
 * Budget alone: the most careful certified point; tests start at the cheapest end of the path.
 * Both: the cheapest point certified for both, or infeasible.
 * @param level of each test: δ, or a part of δ if there are two tests
 */
export function choosePoint({ risk, cost }: Evidence, level: number): Choice {
  const deepest = risk ? countRejected(risk.slice(1), level) : 0;
  if (!cost) return deepest > 0 ? { kind: 'point', index: deepest } : { kind: 'none' };

  const affordable = cost.length - countRejected(cost.toReversed(), level);
  if (affordable === cost.length) return { kind: 'infeasible', because: 'budget' };
  if (!risk) return { kind: 'point', index: affordable };
  return affordable <= deepest ? { kind: 'point', index: deepest } : { kind: 'infeasible', because: 'both' };
}
