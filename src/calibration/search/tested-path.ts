// The path along which thresholds are tested: from "never exit early" to ever cheaper vectors, each with its own set
// of active exits. Built on the tune images alone, then frozen: its hash is part of the certificate.
import { createHash } from 'node:crypto';
import type { ManifestExit } from '../../format/manifest.js';
import type { Policy } from '../../format/profiles.js';
import { policies } from '../../policies/policies.js';
import type { ExitTable } from '../scores/exit-table.js';
import { exitsTaken, flopsByExit, type Thresholds, totalFlops } from '../scores/replay.js';
import { agreementVectors, thresholdCandidates } from './candidates.js';
import { greedySearch, type Measure, type Point } from './greedy-search.js';
import { pointsBetween } from './points-between.js';

export interface ThresholdPath {
  readonly policy: Policy;
  /** λ_0 (never exit early) first; on the tune images each costs less, and risks no less, than the one before. */
  readonly points: readonly Thresholds[];
  readonly sha256: string;
}

export interface PathOptions {
  readonly exits: readonly ManifestExit[];
  /** Mean risk on the tune images under `thresholds`, at least 0, given where each leaves; several risks as one number. */
  readonly riskOf: (taken: Uint8Array, thresholds: Thresholds) => number;
  /** Side exits at which no image may leave. */
  readonly off?: ReadonlySet<number>;
  /** Most thresholds to try at one exit. */
  readonly candidates?: number;
  /** The most that one step may save, as a share of λ_0's cost, where thresholds can be dosed so finely. */
  readonly stepShare?: number;
}

const CANDIDATES = 256;
export const STEP_SHARE = 0.005;

/**
 * The path leads through all vectors measured that no other one beats, in small steps: the tune images flatter the
 * vectors that the search picks, and testing stops at the first point that fails, so there must be others before it.
 * @param tune images that were neither trained on nor will be tested on.
 */
export function buildThresholdPath(tune: ExitTable, options: PathOptions): ThresholdPath {
  const { exits, riskOf, off = new Set(), candidates = CANDIDATES, stepShare = STEP_SHARE } = options;
  const sideExits = exits.length - 1;
  const measure: Measure = (thresholds) => {
    const taken = exitsTaken(tune, thresholds);
    return {
      thresholds,
      cost: totalFlops(taken, flopsByExit(exits, thresholds)),
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
