// Small steps from one point of the path to the next: in each step a few more images may leave.
import { policies } from '../../policies/policies.js';
import type { ExitTable } from '../scores/exit-table.js';
import { countClearing, laxestThreshold, surestFirst, thresholdBetween } from '../scores/score-order.js';
import type { Measure, Point } from './greedy-search.js';

/**
 * Points between two others; each saves about `saving`. Exits that are off at the end are off from the first step on.
 * Exits that are off at the start begin with a threshold that no image clears. A point is kept if it costs less than
 * the point before and has at least its risk. A policy that counts agreement has none: its thresholds are integers.
 */
export function pointsBetween(
  tune: ExitTable,
  from: Point,
  to: Point,
  saving: number,
  measure: Measure,
): Point[] {
  const steps = policies[tune.policy].countsAgreement ? 1 : Math.ceil((from.cost - to.cost) / saving);
  if (steps <= 1) return [];
  const ways = to.thresholds.map((end, exit) => wayOf(tune, exit, from.thresholds[exit] ?? null, end));
  const found: Point[] = [];
  for (let step = 1; step < steps; step++) {
    const point = measure(ways.map((way) => way(step / steps)));
    const before = found.at(-1) ?? from;
    const cheaper = point.cost < before.cost && point.cost > to.cost;
    if (cheaper && point.risk >= before.risk && point.risk <= to.risk) found.push(point);
  }
  return found;
}

/** The threshold of one exit at each share of the way; equal shares add equal numbers of images that clear it. */
function wayOf(
  { policy, labels, scores }: ExitTable,
  exit: number,
  from: number | null,
  to: number | null,
): (share: number) => number | null {
  if (to === null) return () => null;
  const values = scores[exit] ?? new Float64Array();
  const sorted = Float64Array.from(surestFirst(policy, values), (image) => values[image] as number);
  const first = from === null ? 0 : countClearing(policy, values, from);
  const last = countClearing(policy, values, to);
  return (share) => {
    const clearing = Math.round(first + share * (last - first));
    const [surer, score] = [sorted[clearing - 1], sorted[clearing]];
    if (score === undefined) return laxestThreshold(policy, labels.length);
    return thresholdBetween(surer ?? score, score);
  };
}
