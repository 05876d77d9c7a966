// A dispatcher whose workers and clock are controlled by a test.
import type { SegmentRun } from '../../src/cascade/cascade.js';
import { type AfterTurn, startTimer } from '../../src/foundation/timers.js';
import { createDispatcher, type WorkerEvents, type Workers } from '../../src/workers/dispatcher.js';

export interface HandDispatcherOptions {
  readonly workers: Workers;
  readonly maxBatch: number;
  readonly eager: boolean;
  readonly backgroundShare?: number;
  readonly now?: () => number;
  /** Default: at once. */
  readonly afterTurn?: AfterTurn;
}

export function handDispatcher({ workers, ...options }: HandDispatcherOptions) {
  const segments: SegmentRun[] = [];
  let events: WorkerEvents | undefined;
  const dispatcher = createDispatcher({
    backgroundShare: 0,
    now: () => 0,
    afterTurn: (callback) => callback(),
    ...options,
    startTimer,
    createWorkers(given) {
      events = given;
      return workers;
    },
    onSegment: (_, run) => segments.push(run),
  });
  return {
    dispatcher,
    segments,
    /** Called as by the pool whenever a worker accepts a further batch. */
    dispatch: () => events?.onAccepting(),
    giveUp: () => events?.onNoneLeft(),
  };
}
