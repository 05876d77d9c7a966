// Holds back a small batch for a moment when a large one has just been answered. The answered clients usually send their
// next requests at once. Without a hold, the first of these requests would run alone and the others would wait for it.
import type { Clock } from '../foundation/clock.js';
import type { StartTimer } from '../foundation/timers.js';

export interface BatchHold {
  /** A batch has ended: begins a hold if it had several images. @param seconds engine time of the batch */
  batchEnded(images: number, seconds: number): void;
  /** A worker was given a batch: ends the hold. */
  batchStarted(): void;
  /** Whether the waiting requests should be held back; if so, `onEnd` is called when the hold ends. */
  holds(waiting: number): boolean;
}

export interface BatchHoldOptions {
  readonly now: Clock;
  readonly startTimer: StartTimer;
  readonly onEnd: () => void;
}

/** A hold takes at most this share of the engine time of the batch before it, and at most this many seconds. */
const LARGEST_SHARE = 0.1;
const LONGEST_SECONDS = 0.003;

export function createBatchHold({ now, startTimer, onEnd }: BatchHoldOptions): BatchHold {
  let images = 0;
  let end = 0;
  let isTimed = false;

  return {
    batchEnded(count, seconds) {
      images = count;
      end = now() + Math.min(seconds * LARGEST_SHARE, LONGEST_SECONDS);
    },
    batchStarted() {
      images = 0;
    },
    holds(waiting) {
      const left = end - now();
      if (left <= 0 || waiting >= images) return false;
      if (!isTimed) {
        isTimed = true;
        startTimer(() => {
          isTimed = false;
          onEnd();
        }, left * 1000);
      }
      return true;
    },
  };
}
