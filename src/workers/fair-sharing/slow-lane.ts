// The slow lane: requests that are served after those of everybody else. A worker takes one of them when no other request
// waits. While others wait, the lane still moves by one request now and then, so that none waits for ever.
import type { Clock } from '../../foundation/clock.js';

/** How long the first request of the lane waits behind others, counted from its arrival or the last one of the lane. */
export const SLOW_LANE_SECONDS = 1;

interface Waiting {
  /** When it arrived. */
  readonly enqueued: number;
}

export interface SlowLane<Item extends Waiting> {
  /** @returns the items of which the next one is to be taken: all that are in the lane, or all that are not */
  next(waiting: readonly Item[]): readonly Item[];
  /** Call when a worker is given an item of the lane. */
  moved(): void;
}

export function createSlowLane<Item extends Waiting>(
  isSlow: (item: Item) => boolean,
  now: Clock,
): SlowLane<Item> {
  let lastMoved = Number.NEGATIVE_INFINITY;
  return {
    next(waiting) {
      const first = waiting.find(isSlow);
      if (!first) return waiting;
      const waits = now() - Math.max(first.enqueued, lastMoved);
      const others = waiting.filter((item) => !isSlow(item));
      return others.length === 0 || waits >= SLOW_LANE_SECONDS ? waiting.filter(isSlow) : others;
    },
    moved() {
      lastMoved = now();
    },
  };
}
