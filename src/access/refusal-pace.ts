// When the refusals of a client leave. A client that ignores `Retry-After` asks again as soon as it is answered, so the
// answers set its pace: its refusals leave some time apart. The first one leaves at once.
import type { Clock } from '../foundation/clock.js';
import type { StartTimer } from '../foundation/timers.js';

/** Between two refusals of one client. */
export const APART_SECONDS = 0.1;
/** The longest that a refusal waits, whatever stands before it. Clients give up on an answer after longer times. */
export const LONGEST_WAIT_SECONDS = 1;
/** Of the longest wait: refusals for which there is no turn in time wait for this share of it at least. */
const LEAST_SHARE = 0.5;
/** Multiples of it are spread evenly between 0 and 1. */
const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2;

export interface RefusalPace {
  /** Call once for each refusal. @returns when it may leave; undefined: now */
  next(client: object): Promise<void> | undefined;
}

export interface RefusalPaceOptions {
  /** Most refusals that wait, of all clients together; further ones leave at once. */
  readonly mostWaiting: number;
  readonly now: Clock;
  readonly startTimer: StartTimer;
}

export function createRefusalPace({ mostWaiting, now, startTimer }: RefusalPaceOptions): RefusalPace {
  /** By client: when the refusal after the last one may leave. */
  const turns = new WeakMap<object, number>();
  let waiting = 0;
  let phase = 0;

  /** Of many connections that come together each waits otherwise, or they would come together again. */
  function longestWait(): number {
    phase = (phase + GOLDEN_RATIO) % 1;
    return LONGEST_WAIT_SECONDS * (LEAST_SHARE + (1 - LEAST_SHARE) * phase);
  }

  return {
    next(client) {
      const present = now();
      const turn = Math.max(turns.get(client) ?? present, present);
      const leaves = Math.min(turn, present + longestWait());
      if (leaves > present && waiting >= mostWaiting) return undefined;
      turns.set(client, Math.min(turn, present + LONGEST_WAIT_SECONDS) + APART_SECONDS);
      if (leaves === present) return undefined;
      waiting++;
      return new Promise((resolve) => {
        const leave = (): void => {
          waiting--;
          resolve();
        };
        startTimer(leave, (leaves - present) * 1000);
      });
    },
  };
}
