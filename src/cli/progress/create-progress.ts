// What a long command shows on the standard error while it works: a bar on a terminal, lines for a log elsewhere.
import process from 'node:process';
import { monotonicSeconds } from '../../foundation/clock.js';
import { createBars } from './bars.js';
import { createLines } from './lines.js';
import type { Progress } from './progress.js';

/** The caller ends it, whether the work succeeds or not. */
export function createProgress(): Progress {
  const { stderr } = process;
  return stderr.isTTY ? createBars() : createLines((line) => stderr.write(line), monotonicSeconds);
}

/**
 * Shows the progress of a task that is one step.
 * @param task calls `advance` whenever more is done, with how many; default: one
 */
export async function withCount<Result>(
  step: string,
  of: number,
  task: (advance: (count?: number) => void) => Promise<Result>,
): Promise<Result> {
  const progress = createProgress();
  let done = 0;
  progress.show(step, done, of);
  try {
    return await task((count = 1) => {
      done += count;
      progress.show(step, done, of);
    });
  } finally {
    progress.end();
  }
}
