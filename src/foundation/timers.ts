// Timers and turns of the event loop. They are passed in like the clock, so that tests and simulations can control them.

export interface Timer {
  /** Cancels the timer; no effect if it has fired. */
  close(): void;
}

/** Calls `callback` once, after `milliseconds`. */
export type StartTimer = (callback: () => void, milliseconds: number) => Timer;

export const startTimer: StartTimer = (callback, milliseconds) => {
  const timeout = setTimeout(callback, milliseconds);
  return { close: () => clearTimeout(timeout) };
};

/** Calls `callback` once, after everything that the event loop has received for this turn is handled. */
export type AfterTurn = (callback: () => void) => void;

export const afterTurn: AfterTurn = (callback) => void setImmediate(callback);
