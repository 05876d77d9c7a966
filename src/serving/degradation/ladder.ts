// The present rung of one model's ladder. It moves to cheaper rungs while requests would wait too long, and back when
// the workers would also have time for a dearer rung. Without this second condition it would move forth and back: the
// queue of a load that only the cheaper rung can carry is empty on that rung.
import type { Rung } from './rungs.js';

/** The load of all workers together. */
export interface LoadReading {
  /** Seconds, of any monotonic clock. */
  readonly now: number;
  /** Time that a new request would wait for a worker. */
  readonly waitSeconds: number;
  /** Engine time of all requests since the start. */
  readonly engineSeconds: number;
}

export interface Ladder {
  readonly rungs: readonly Rung[];
  /** Index of the present rung; 0: nothing is degraded. */
  position(): number;
  /** The present rung. */
  present(): Rung;
  /** Call at regular intervals, each shorter than the times below. @returns whether the rung has changed */
  observe(reading: LoadReading): boolean;
}

export interface LadderOptions {
  /** At least one. */
  readonly rungs: readonly [Rung, ...Rung[]];
  /** Longest wait that the operator accepts. */
  readonly targetSeconds: number;
  readonly workers: number;
  /** FLOPs per image of `full`, with which the first rung is served after its alarm. */
  readonly fullFlops: number;
  /** Position to begin with; default: 0. */
  readonly position?: number;
}

/** The wait must exceed the target for this long before a move to a cheaper rung. */
export const DEGRADE_SECONDS = 0.5;
/** The queue shrinks, so that no move is needed, if the wait falls below this share during that time. */
const SHRINKING = 0.9;
/** The load must be low for this long before a move back. */
export const RESTORE_SECONDS = 3;
/** The load is low if the wait is below this share of the target. */
const LOW_WAIT = 0.25;
/**
 * Largest share of their time that the workers may be busy on the rung to which a ladder moves back, by the certified
 * FLOPs. The rest covers what FLOPs do not say: an image's time also depends on the sizes of batches.
 */
const LARGEST_BUSY_SHARE = 0.8;

export function createLadder(options: LadderOptions): Ladder {
  const { rungs, targetSeconds, workers, fullFlops } = options;
  let position = Math.min(options.position ?? 0, rungs.length - 1);
  /** The reading from which on the wait has been above the target. */
  let highSince: LoadReading | undefined;
  /** When all requests that were queued at the last move will have left the queue. */
  let settled = Number.NEGATIVE_INFINITY;
  /** The first reading of the present time of low load. */
  let lowSince: LoadReading | undefined;

  const present = (): Rung => rungs[position] ?? rungs[0];
  const isUsable = (index: number): boolean => index === 0 || !(rungs[index]?.isAlarmed() ?? true);
  const indexes = [...rungs.keys()];
  const next = (): number | undefined => indexes.find((index) => index > position && isUsable(index));

  function observe(reading: LoadReading): boolean {
    const to = leaveAlarmed() ?? degrade(reading) ?? restore(reading);
    if (to === undefined || to === position) return false;
    position = to;
    // Requests that were queued before still wait. They say nothing about the new rung.
    settled = reading.now + reading.waitSeconds;
    highSince = undefined;
    lowSince = undefined;
    return true;
  }

  /** An alarmed rung is passed over: to a cheaper one, or else back to a dearer one. */
  function leaveAlarmed(): number | undefined {
    if (isUsable(position)) return undefined;
    return next() ?? indexes.findLast((index) => index < position && isUsable(index));
  }

  function degrade(reading: LoadReading): number | undefined {
    if (reading.waitSeconds <= targetSeconds || reading.now < settled) highSince = undefined;
    else highSince ??= reading;
    if (!highSince || reading.now - highSince.now < DEGRADE_SECONDS) return undefined;
    const isShrinking = reading.waitSeconds < SHRINKING * highSince.waitSeconds;
    highSince = reading;
    return isShrinking ? undefined : next();
  }

  /** @returns the dearest rung for which the workers have time */
  function restore(reading: LoadReading): number | undefined {
    if (reading.waitSeconds > LOW_WAIT * targetSeconds) lowSince = undefined;
    else lowSince ??= reading;
    if (position === 0 || !lowSince) return undefined;
    const seconds = reading.now - lowSince.now;
    if (seconds < RESTORE_SECONDS) return undefined;
    const busyShare = (reading.engineSeconds - lowSince.engineSeconds) / (seconds * workers);
    lowSince = reading;
    const flops = present().flops;
    return indexes.find(
      (index) =>
        index < position && isUsable(index) && busyShare * (costOf(index) / flops) <= LARGEST_BUSY_SHARE,
    );
  }

  function costOf(index: number): number {
    const rung = rungs[index] ?? rungs[0];
    return rung.isAlarmed() ? fullFlops : rung.flops;
  }

  return { rungs, position: () => position, present, observe };
}
