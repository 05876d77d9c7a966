// What a long command shows while it works, and how it is stopped: at a place where it leaves nothing behind.
import process from 'node:process';
import { SingleBar } from 'cli-progress';
import type { AddExitsOptions } from '../../add-exits/options.js';
import { UsageError } from '../../foundation/errors.js';

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

/** One bar for each step; without a terminal, cli-progress draws nothing. */
function progressBars(): { show: AddExitsOptions['onProgress']; stop: () => void } {
  let bar: SingleBar | undefined;
  let shown = '';
  return {
    show(step, done, of) {
      if (step !== shown) {
        bar?.stop();
        bar = new SingleBar({ format: `{bar} {value}/{total} ${step}, {eta_formatted} to go` });
        bar.start(of, 0);
        shown = step;
      }
      bar?.update(done);
    },
    stop() {
      bar?.stop();
      bar = undefined;
    },
  };
}

/** Runs `task` with bars and signals. @param stopped said when a signal ended it */
export async function withProgress<Result>(
  stopped: string,
  task: (onProgress: AddExitsOptions['onProgress']) => Promise<Result>,
): Promise<Result> {
  const progress = progressBars();
  const stopping = stopOnSignals(stopped);
  try {
    return await task((...step) => {
      stopping.check();
      progress.show(...step);
    });
  } finally {
    progress.stop();
    stopping.end();
  }
}
