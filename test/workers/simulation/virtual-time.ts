// Virtual time: a clock, timers and an event loop. Time passes only when all work of the present moment is done.
import type { Clock } from '../../../src/foundation/clock.js';
import type { StartTimer } from '../../../src/foundation/timers.js';

export interface VirtualTime {
  readonly now: Clock;
  readonly startTimer: StartTimer;
  /** Calls `action` after `seconds`; actions of the same moment run in the order of these calls. */
  after(seconds: number, action: () => void): { cancel(): void };
  sleep(seconds: number): Promise<void>;
  /** Lets time pass until no action is left. */
  runOut(): Promise<void>;
}

interface Event {
  readonly at: number;
  readonly action: () => void;
  isCancelled: boolean;
}

export function createVirtualTime(): VirtualTime {
  /** The earliest action is last. */
  const events: Event[] = [];
  let present = 0;

  function after(seconds: number, action: () => void): { cancel(): void } {
    const event: Event = { at: present + seconds, action, isCancelled: false };
    let place = events.length;
    while (place > 0 && (events[place - 1] as Event).at <= event.at) place--;
    events.splice(place, 0, event);
    return {
      cancel() {
        event.isCancelled = true;
      },
    };
  }

  return {
    now: () => present,
    after,
    startTimer(callback, milliseconds) {
      const { cancel } = after(milliseconds / 1000, callback);
      return { close: cancel };
    },
    sleep: (seconds) => new Promise((resolve) => after(seconds, resolve)),
    async runOut() {
      for (let event = events.pop(); event; event = events.pop()) {
        if (event.isCancelled) continue;
        present = event.at;
        event.action();
        // All continuations of promises belong to the same moment.
        await new Promise(setImmediate);
      }
    },
  };
}
