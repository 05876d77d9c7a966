// What add-exits and refresh show while they work, and how they are stopped: at a place where they leave nothing behind.
import process from 'node:process';
import type { AddExitsOptions } from '../../add-exits/options.js';
import { UsageError } from '../../foundation/errors.js';
import { createProgress } from '../progress/create-progress.js';

/** A first signal ends the work where it leaves nothing behind; a second one ends the process. */
function stopOnSignals(message: string): { check: () => void; end: () => void } {
  const signals = ['SIGINT', 'SIGTERM'] as const;
  let isAsked = false;
  const ask = (): void => {
    isAsked = true;
  };
  for (const signal of signals) process.once(signal, ask);
  return {
    check() {
      if (isAsked) throw new UsageError(message);
    },
    end() {
      for (const signal of signals) process.off(signal, ask);
    },
  };
}

/** Runs `task` with progress and signals. @param stopped said when a signal ended it */
export async function withProgress<Result>(
  stopped: string,
  task: (onProgress: AddExitsOptions['onProgress']) => Promise<Result>,
): Promise<Result> {
  const progress = createProgress();
  const stopping = stopOnSignals(stopped);
  try {
    return await task((...step) => {
      stopping.check();
      progress.show(...step);
    });
  } finally {
    progress.end();
    stopping.end();
  }
}
