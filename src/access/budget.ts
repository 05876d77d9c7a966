// A budget of FLOPs: a token bucket that may go into debt. An image is charged what it is expected to cost when it is
// admitted, and corrected when its cost is known. Images are admitted while anything is left, whatever they cost: a
// client gets its rate in the long run, and at most a burst and the images in progress more.
import type { Clock } from '../foundation/clock.js';

/** Of a budget: the largest integer that a structured header field (RFC 9651) can carry. */
export const MOST_FLOPS = 999_999_999_999_999;

export interface BudgetSettings {
  /** Most FLOPs a second in the long run. Positive. */
  readonly flopsPerSecond: number;
  /** Most FLOPs that are saved up while the client sends nothing. Positive. */
  readonly burstFlops: number;
}

export interface Budget {
  readonly settings: BudgetSettings;
  /** FLOPs left, without the expected ones of images in progress; negative: a debt. */
  balance(): number;
  /** Seconds until anything is left; 0: something is. */
  waitSeconds(): number;
  /** @param flops negative: gives back */
  charge(flops: number): void;
  /** What is left stays, as far as the burst allows it. */
  change(settings: BudgetSettings): void;
}

/** Begins with a whole burst. */
export function createBudget(initial: BudgetSettings, now: Clock): Budget {
  let settings = initial;
  let left = initial.burstFlops;
  let at = now();

  function refill(): number {
    const present = now();
    // What is given back may exceed the burst: the image was charged before, and the refill went on from there.
    const most = Math.max(left, settings.burstFlops);
    left = Math.min(most, left + settings.flopsPerSecond * (present - at));
    at = present;
    return left;
  }

  return {
    get settings() {
      return settings;
    },
    balance: refill,
    waitSeconds: () => Math.max(0, -refill() / settings.flopsPerSecond),
    charge(flops) {
      left = refill() - flops;
    },
    change(next) {
      refill();
      settings = next;
      left = Math.min(left, next.burstFlops);
    },
  };
}
