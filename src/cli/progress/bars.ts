// Progress for a terminal: one bar for each step.
import { SingleBar } from 'cli-progress';
import type { Progress } from './progress.js';

export function createBars(): Progress {
  let bar: SingleBar | undefined;
  let shown = '';
  const end = (): void => {
    bar?.stop();
    bar = undefined;
  };
  return {
    show(step, done, of) {
      if (!bar || shown !== step || bar.getTotal() !== of) {
        end();
        bar = new SingleBar({ format: `{bar} {value}/{total} ${step}, {eta_formatted} to go` });
        // What was done before, by an earlier run, says nothing about the time to go.
        bar.start(of, done);
        shown = step;
      }
      bar.update(done);
      if (done >= of) end();
    },
    end,
  };
}
