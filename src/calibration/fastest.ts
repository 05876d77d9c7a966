// Times tasks by the fastest of some rounds: whatever else this machine does only adds to what a task takes.
import { monotonicSeconds } from '../foundation/clock.js';

export interface Rounds {
  readonly fewest: number;
  readonly most: number;
  /** Between `fewest` and `most`, no round starts later than this. */
  readonly seconds: number;
}

/**
 * Every round runs each task once, in turn, so that a busy moment of the machine meets all of them.
 * @returns by task: seconds of its fastest round
 */
export async function fastestOf(
  tasks: readonly (() => Promise<unknown>)[],
  { fewest, most, seconds }: Rounds,
): Promise<number[]> {
  const least = new Array<number>(tasks.length).fill(Number.POSITIVE_INFINITY);
  const started = monotonicSeconds();
  for (let round = 0; round < most; round++) {
    if (round >= fewest && monotonicSeconds() - started > seconds) break;
    for (const [index, task] of tasks.entries()) {
      const before = monotonicSeconds();
      await task();
      least[index] = Math.min(least[index] as number, monotonicSeconds() - before);
    }
  }
  return least;
}
