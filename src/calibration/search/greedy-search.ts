// The greedy search for good threshold vectors, on the tune images. See also threshold-path.ts, candidates.ts.
import type { Thresholds } from '../scores/replay.js';

/** A vector of thresholds with its cost and risk on the tune images. */
export interface Point {
  readonly thresholds: Thresholds;
  /** FLOPs of all tune images together. */
  readonly cost: number;
  readonly risk: number;
}

/** A state of the greedy search. */
interface Position {
  /** Per side exit, the index into its choices; −1: switched off. */
  readonly places: readonly number[];
  readonly point: Point;
}

export type Measure = (thresholds: Thresholds) => Point;

/**
 * Moves from each point to the neighbour with the largest saving per added risk, until no neighbour is cheaper.
 * A neighbour differs at one exit: its threshold is 1, 2, 4, … candidates laxer, or the exit is switched on, or off
 * (which saves where the head costs more than the exit saves).
 * @param choices per side exit, thresholds from strict to lax
 * @returns all cheaper neighbours measured on the way
 */
export function greedySearch(
  choices: readonly (readonly number[])[],
  measure: Measure,
  start: Point,
): Point[] {
  const measured: Point[] = [];
  let here: Position | undefined = { places: choices.map(() => -1), point: start };
  while (here) {
    const { places, point }: Position = here;
    const cheaper: Position[] = neighbours(places, choices)
      .map((near) => ({
        places: near,
        point: measure(near.map((place, exit) => choices[exit]?.[place] ?? null)),
      }))
      .filter((near) => near.point.cost < point.cost);
    measured.push(...cheaper.map((near) => near.point));
    here = cheaper.toSorted((a, b) => compareSteps(point, a.point, b.point))[0];
  }
  return measured;
}

function neighbours(places: readonly number[], choices: readonly (readonly number[])[]): number[][] {
  return places.flatMap((place, exit) => {
    const others = place < 0 ? [] : [-1];
    for (let jump = 1; place + jump < (choices[exit]?.length ?? 0); jump *= 2) others.push(place + jump);
    return others.map((other) => places.with(exit, other));
  });
}

/** Sorts by saving per added risk, largest first; steps that add no risk come first, sorted by saving. */
function compareSteps(from: Point, a: Point, b: Point): number {
  const rate = ({ cost, risk }: Point): number =>
    risk <= from.risk ? Number.POSITIVE_INFINITY : (from.cost - cost) / (risk - from.risk);
  const [rateA, rateB] = [rate(a), rate(b)];
  return rateA === rateB ? a.cost - b.cost : rateB - rateA;
}
