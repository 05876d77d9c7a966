// Timers, passed in like the clock, so that tests and simulations can move them by hand.

export interface Timer {
  /** It will not fire any more. Nothing happens if it has fired. */
  close(): void;
}

/** Calls `callback` once, after so many milliseconds. */
export type StartTimer = (callback: () => void, milliseconds: number) => Timer;

export const startTimer: StartTimer = (callback, milliseconds) => {
  const timeout = setTimeout(callback, milliseconds);
  return { close: () => clearTimeout(timeout) };
};
