// The path along which thresholds are tested: from "never exit early" to cheaper and cheaper vectors, each with its own
// set of active exits. It is built on the tune images alone and then frozen: its hash is part of the certificate.
import { createHash } from 'node:crypto';
import type { ManifestExit } from '../../format/manifest.js';
import type { Policy } from '../../format/profiles.js';
import { policies } from '../../policies/policies.js';
import { type CostByExit, flopsCost } from '../cost.js';
import type { ExitTable } from '../scores/exit-table.js';
import { exitsTaken, type Thresholds, totalCost } from '../scores/replay.js';
import { agreementVectors, thresholdCandidates } from './candidates.js';
import { greedySearch, type Measure, type Point } from './greedy-search.js';
import { pointsBetween } from './points-between.js';

export interface ThresholdPath {
  readonly policy: Policy;
  /** λ_0 (never exit early) first. On the tune images each point costs less than the one before and risks no less. */
  readonly points: readonly Thresholds[];
  readonly sha256: string;
}

export interface PathOptions {
  readonly exits: readonly ManifestExit[];
  /** Default: FLOPs. */
  readonly costOf?: CostByExit;
  /** Risk on the tune images, at least 0; several risks as one number. @param taken the exit of each image */
  readonly riskOf: (taken: Uint8Array, thresholds: Thresholds) => number;
  /** Side exits at which no image may leave. */
  readonly off?: ReadonlySet<number>;
  /** Maximum number of thresholds to try at one exit. */
  readonly candidates?: number;
  /** Maximum saving of one step, as a share of λ_0's cost. Steps can be larger if thresholds are not fine enough. */
  readonly stepShare?: number;
}

const CANDIDATES = 256;
export const STEP_SHARE = 0.005;

/**
 * The path goes in small steps through all measured vectors that no other vector beats. Small steps are needed because
 * estimates on the tune images are optimistic for the vectors that the search picks, and testing stops at the first
 * point that fails: points before it must exist.
 * @param tune images that are used neither for training nor for testing
 */
export function buildThresholdPath(tune: ExitTable, options: PathOptions): ThresholdPath {
  const {
    exits,
    riskOf,
    costOf = flopsCost(exits),
    off = new Set(),
    candidates = CANDIDATES,
    stepShare = STEP_SHARE,
  } = options;
  const sideExits = exits.length - 1;
  const measure: Measure = (thresholds) => {
    const taken = exitsTaken(tune, thresholds);
    return {
      thresholds,
      cost: totalCost(taken, costOf(thresholds)),
      risk: riskOf(taken, thresholds),
    };
  };
  const start = measure(new Array<null>(sideExits).fill(null));
  const measured = policies[tune.policy].countsAgreement
    ? agreementVectors(sideExits)
        .filter((thresholds) => thresholds.every((threshold, exit) => threshold === null || !off.has(exit)))
        .map(measure)
    : greedySearch(
        Array.from({ length: sideExits }, (_, exit) =>
          off.has(exit) ? [] : thresholdCandidates(tune, exit, candidates),
        ),
        measure,
        start,
      );
  const cheaper = measured.filter(({ cost }) => cost < start.cost);
  const stones = [start, ...unbeaten(cheaper)];
  const points = stones.flatMap((to, index) => {
    const from = stones[index - 1];
    return from ? [...pointsBetween(tune, from, to, stepShare * start.cost, measure), to] : [to];
  });
  return freeze(
    tune.policy,
    points.map(({ thresholds }) => thresholds),
  );
}

/** The path with its hash over the policy and all thresholds. */
export function freeze(policy: Policy, points: readonly Thresholds[]): ThresholdPath {
  const sha256 = createHash('sha256').update(JSON.stringify({ policy, points })).digest('hex');
  return { policy, points, sha256 };
}

/** The points that no other point equals or beats in both cost and risk; the dearest first. */
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
