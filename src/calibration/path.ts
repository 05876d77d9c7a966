// The path along which thresholds are tested: from "never exit early" to ever cheaper vectors, each with its own set
// of active exits. Built on the tune images alone, then frozen: its hash is part of the certificate.
import { createHash } from 'node:crypto';
import type { ManifestExit } from '../models/manifest.js';
import type { Policy } from '../models/profiles.js';
import { patienceVectors, thresholdCandidates } from './candidates.js';
import type { ExitTable } from './exit-table.js';
import { exitsTaken, flopsByExit, type Thresholds, totalFlops } from './replay.js';

export interface ThresholdPath {
  readonly policy: Policy;
  /** λ_0 (never exit early) first; on the tune images each costs less and risks more than the one before. */
  readonly points: readonly Thresholds[];
  readonly sha256: string;
}

export interface PathOptions {
  readonly exits: readonly ManifestExit[];
  /** Mean risk of a path on the tune images, given where each leaves; several risks as one number. */
  readonly riskOf: (taken: Uint8Array) => number;
  /** Most thresholds to try at one exit. */
  readonly candidates?: number;
}

interface Point {
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

type Measure = (thresholds: Thresholds) => Point;

const CANDIDATES = 256;

/**
 * The path is made of all vectors measured that no other one beats.
 * @param tune images that were neither trained on nor will be tested on.
 */
export function buildThresholdPath(tune: ExitTable, options: PathOptions): ThresholdPath {
  const { exits, riskOf, candidates = CANDIDATES } = options;
  const sideExits = exits.length - 1;
  const measure: Measure = (thresholds) => {
    const taken = exitsTaken(tune, thresholds);
    return {
      thresholds,
      cost: totalFlops(taken, flopsByExit(exits, thresholds)),
      risk: riskOf(taken),
    };
  };
  const start = measure(new Array<null>(sideExits).fill(null));
  const measured =
    tune.policy === 'patience'
      ? patienceVectors(sideExits).map(measure)
      : descend(
          Array.from({ length: sideExits }, (_, exit) => thresholdCandidates(tune, exit, candidates)),
          measure,
          start,
        );
  const cheaper = measured.filter(({ cost }) => cost < start.cost);
  return freeze(
    tune.policy,
    [start, ...unbeaten(cheaper)].map(({ thresholds }) => thresholds),
  );
}

/**
 * Greedy: from each point to the neighbour that saves most for the risk it adds, until nothing saves any more.
 * Neighbours differ at one exit, whose threshold is 1, 2, 4, … candidates laxer, or which is switched on or, where its
 * head costs more than it saves, off.
 * @param choices per side exit, thresholds from strict to lax.
 * @returns everything measured on the way.
 */
function descend(choices: readonly (readonly number[])[], measure: Measure, start: Point): Point[] {
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

/** The path with its hash, over policy and every threshold. */
export function freeze(policy: Policy, points: readonly Thresholds[]): ThresholdPath {
  const sha256 = createHash('sha256').update(JSON.stringify({ policy, points })).digest('hex');
  return { policy, points, sha256 };
}

/** Those that no other one equals or beats in both cost and risk, the dearest first. */
function unbeaten(points: readonly Point[]): Point[] {
  let least = Number.POSITIVE_INFINITY;
  return points
    .toSorted((a, b) => a.cost - b.cost || a.risk - b.risk)
    .filter(({ risk }) => {
      const kept = risk < least;
      least = Math.min(least, risk);
      return kept;
    })
    .reverse();
}
