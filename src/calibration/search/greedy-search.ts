// The greedy search for good threshold vectors, on the tune images. Neighbours: tested-path.ts, candidates.ts.
import type { Thresholds } from '../scores/replay.js';

/** A vector of thresholds and what it does to the tune images. */
export interface Point {
  readonly thresholds: Thresholds;
  /** FLOPs of all tune images. */
  readonly cost: number;
  readonly risk: number;
}

/** A point of the greedy search. */
interface Position {
  /** Per side exit the place among its choices; −1: switched off. */
  readonly places: readonly number[];
  readonly point: Point;
}

export type Measure = (thresholds: Thresholds) => Point;

/**
 * Greedy: from each point to the neighbour that saves most for the risk it adds, until nothing saves any more.
 * Neighbours differ at one exit, whose threshold is 1, 2, 4, … candidates laxer, or which is switched on or, where its
 * head costs more than it saves, off.
 * @param choices per side exit, thresholds from strict to lax.
 * @returns everything measured on the way.
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

/** The larger saving per added risk first; among steps that add none, the larger saving. */
function compareSteps(from: Point, a: Point, b: Point): number {
  const rate = ({ cost, risk }: Point): number =>
    risk <= from.risk ? Number.POSITIVE_INFINITY : (from.cost - cost) / (risk - from.risk);
  const [rateA, rateB] = [rate(a), rate(b)];
  return rateA === rateB ? a.cost - b.cost : rateB - rateA;
}
