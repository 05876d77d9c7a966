// When the refusals of a client leave. A client that ignores `Retry-After` asks again as soon as it is answered, so the
// answers set its pace: its refusals leave some time apart, in the order of the requests. The first one leaves at once.
import type { Clock } from '../foundation/clock.js';
import type { StartTimer } from '../foundation/timers.js';

/** Between two refusals of one client. */
export const APART_SECONDS = 0.1;
/** The longest that a refusal waits, whatever stands before it. Clients give up on an answer after longer times. */
export const LONGEST_WAIT_SECONDS = 1;

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

  return {
    next(client) {
      const present = now();
      const turn = Math.max(turns.get(client) ?? present, present);
      const leaves = Math.min(turn, present + LONGEST_WAIT_SECONDS);
      if (leaves > present && waiting >= mostWaiting) return undefined;
      turns.set(client, leaves + APART_SECONDS);
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
