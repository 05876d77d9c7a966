// A gate that lets answers out at regular openings, so that a client sees a time only as a number of openings. When it
// opens does not depend on when an answer was ready: a timer set then would carry that moment in its rounding.
import type { Clock } from '../../foundation/clock.js';
import { remove } from '../../foundation/remove.js';
import type { StartTimer, Timer } from '../../foundation/timers.js';
import type { ClientSignal } from '../../workers/request.js';

export interface Gate {
  /** Call at the start of an image: the openings are regular while any image is inside. @returns a function that leaves */
  enter(): () => void;
  /**
   * Resolves at the first opening at or after `due`, or at once when the client disconnects. Call between `enter` and
   * its leaving.
   * @param order of the answers of one opening: the smaller one first
   */
  pass(due: number, order: number, signal: ClientSignal | undefined): Promise<void>;
}

interface Waiting {
  readonly due: number;
  readonly order: number;
  readonly resolve: () => void;
}

export interface GateOptions {
  /** Between two openings. */
  readonly intervalSeconds: number;
  readonly now: Clock;
  readonly startTimer: StartTimer;
}

export function createGate({ intervalSeconds, now, startTimer }: GateOptions): Gate {
  const waiting: Waiting[] = [];
  let inside = 0;
  let timer: Timer | undefined;
  /** The first image that came in set the time of opening 0. */
  let started = 0;
  let opening = 0;

  function planOpening(): void {
    const passed = Math.floor((now() - started) / intervalSeconds);
    opening = Math.max(opening, passed) + 1;
    const seconds = started + opening * intervalSeconds - now();
    timer = startTimer(open, Math.max(1, Math.round(seconds * 1000)));
  }

  function open(): void {
    const time = now();
    const due = waiting.filter((one) => one.due <= time);
    for (const one of due.toSorted((a, b) => a.order - b.order)) {
      remove(waiting, one);
      one.resolve();
    }
    planOpening();
  }

  return {
    enter() {
      if (inside === 0) {
        [started, opening] = [now(), 0];
        planOpening();
      }
      inside++;
      return () => {
        inside--;
        if (inside === 0) timer?.close();
      };
    },
    pass(due, order, signal) {
      if (signal?.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const one: Waiting = { due, order, resolve };
        waiting.push(one);
        signal?.addEventListener('abort', () => {
          remove(waiting, one);
          resolve();
        });
      });
    },
  };
}
