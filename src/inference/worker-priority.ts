// Who goes first where every core computes: the main thread, for everybody waits for it.
import { getPriority, setPriority } from 'node:os';
import process from 'node:process';

/** Added to a worker's nice value; ten steps weigh a tenth. */
const STEPS = 10;
const LOWEST = 19;

/**
 * Lets the main thread have a core the moment it wants one, from the worker thread that calls this. Workers keep every
 * core busy for as long as there are images; the main thread, equal to them, would wait for its turn to take in a request
 * or to write an answer. It needs little, so inference loses nothing.
 *
 * Nice values belong to threads on Linux alone; elsewhere this does nothing.
 */
export function yieldToMainThread(): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(Math.min(LOWEST, getPriority() + STEPS));
  } catch {
    // A sandbox that forbids it. The service is only less prompt.
  }
}
