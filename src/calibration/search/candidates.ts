// The thresholds to try: for each exit alone, from strict to lax; or, if the policy counts agreement, for all exits at
// once.
import type { ExitTable } from '../scores/exit-table.js';
import { laxestThreshold, surestFirst, thresholdBetween } from '../scores/score-order.js';

/**
 * Between two images whose label here differs from the final one, a laxer threshold only saves FLOPs. So there is one
 * candidate just before each such image, thinned to `limit` in all, and one candidate that lets all images leave.
 * @returns thresholds from strict to lax.
 */
export function thresholdCandidates(table: ExitTable, exit: number, limit: number): number[] {
  const { policy } = table;
  const scores = table.scores[exit] ?? new Float64Array();
  const [labels, final] = [table.labels[exit], table.labels.at(-1)];
  const order = surestFirst(policy, scores);
  const found: number[] = [];
  for (let place = 1; place < order.length; place++) {
    const [before, image] = [order[place - 1] as number, order[place] as number];
    const [surer, score] = [scores[before] as number, scores[image] as number];
    const wrong = labels?.[image] !== final?.[image];
    if (wrong && surer !== score) found.push(thresholdBetween(surer, score));
  }
  return [...new Set([...thin(found, limit - 1), laxestThreshold(policy, table.labels.length)])];
}

/**
 * Threshold vectors for a policy that counts agreement. There an exit influences later exits and cannot be judged
 * alone. So each vector has one threshold for all its active exits, as in PABEE. The sets of active exits are evenly
 * spaced, from any first to any last exit; there are few such sets even for many exits.
 */
export function agreementVectors(sideExits: number): (number | null)[][] {
  const all = Array.from({ length: sideExits }, (_, exit) => exit);
  const sets = all.flatMap((first) => [
    [first],
    ...all
      .slice(1)
      .flatMap((stride) =>
        all
          .filter((last) => last > first && (last - first) % stride === 0)
          .map((last) =>
            all.filter((exit) => exit >= first && exit <= last && (exit - first) % stride === 0),
          ),
      ),
  ]);
  return sets.flatMap((active) =>
    active.map((_, index) => all.map((exit) => (active.includes(exit) ? index + 1 : null))),
  );
}

/** At most `limit` of `values`, evenly spread; the first value is always kept. */
function thin(values: readonly number[], limit: number): readonly number[] {
  if (values.length <= limit) return values;
  return Array.from(
    { length: limit },
    (_, index) => values[Math.floor((index * values.length) / limit)] as number,
  );
}
