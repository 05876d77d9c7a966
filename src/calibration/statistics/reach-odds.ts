// The odds of the bets in cost-monitor.ts: how much deeper than the calibration images an image went.
import { upperShareBound } from './mean-bound.js';

export interface CalibrationExits {
  /** Per exit, the share of the calibration images that left there. */
  readonly exitShares: readonly number[];
  /** The exits before the final one at which the profile lets images leave. */
  readonly sideExits: readonly number[];
  /** Number of calibration images. */
  readonly images: number;
  /** Probability that a bound below is too small because of the calibration images that happened to be drawn. */
  readonly delta: number;
  /** How much more often images may go on behind an exit, relative to the calibration images; 0: no more often. */
  readonly tolerance: number;
}

/**
 * The odds o_e of an image that leaves at exit e: the mean of 1{e > k} / B_k over the side exits k. B_k is
 * (1 + tolerance) times the upper confidence bound of the probability that an image goes on behind exit k; all bounds
 * hold together with probability 1 − δ. So E[o] ≤ 1 for every client whose images go on behind each exit with
 * probability B_k at most.
 * @returns per exit; all 1, so that nothing is ever bet, without side exits
 */
export function reachOdds({ exitShares, sideExits, images, delta, tolerance }: CalibrationExits): number[] {
  if (sideExits.length === 0) return exitShares.map(() => 1);
  const bounds = sideExits.map((exit) => {
    const further = exitShares.slice(exit + 1).reduce((sum, share) => sum + share, 0);
    const bound = upperShareBound(Math.round(further * images), images, delta / sideExits.length);
    return { exit, bound: Math.min(1, (1 + tolerance) * bound) };
  });
  return exitShares.map(
    (_, taken) =>
      bounds.reduce((sum, { exit, bound }) => sum + (taken > exit ? 1 / bound : 0), 0) / bounds.length,
  );
}
