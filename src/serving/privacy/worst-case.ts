// The worst-case time of a profile: how long images that run its whole path stay in a worker. Measured before the
// profile's first answer, then followed by the answers of its last exit.
import { invariant } from '../../foundation/errors.js';
import { quantile } from '../../foundation/quantile.js';

/** The last so many times count. */
export const WINDOW = 256;
const QUANTILE = 0.99;
/** Sorting the window for every answer would cost a noticeable time. */
const UPDATE_EVERY = 16;

export interface WorstCase {
  /** Seconds of an image that was alone on the server. */
  readonly alone: number;
  /** The 0.99 quantile of the last times, in seconds. */
  seconds(): number;
  /** @param seconds of an image that ran the whole path */
  note(seconds: number): void;
}

/** @param measured seconds of images that ran the whole path, each alone; at least one */
export function createWorstCase(measured: readonly number[]): WorstCase {
  invariant(measured.length > 0, 'A worst case was to be made from no time');
  const times = measured.slice(-WINDOW);
  const alone = quantile(times, QUANTILE);
  let next = times.length % WINDOW;
  let noted = 0;
  let present = alone;
  return {
    alone,
    seconds: () => present,
    note(seconds) {
      times[next] = seconds;
      next = (next + 1) % WINDOW;
      noted++;
      if (noted % UPDATE_EVERY === 0) present = quantile(times, QUANTILE);
    },
  };
}
