// Progress for a log, where a bar would be noise: a line when a step has lasted some seconds, one each half minute from then
// on, and one at its end. A step that takes less says nothing.
import cliProgress from 'cli-progress';
import type { Clock } from '../../foundation/clock.js';
import type { Progress } from './progress.js';

const SECONDS_TO_FIRST_LINE = 5;
const SECONDS_BETWEEN_LINES = 30;

interface Step {
  readonly name: string;
  readonly of: number;
  readonly began: number;
  /** What had been done when it began, by an earlier run. */
  readonly before: number;
  /** undefined: nothing was written about it yet. */
  written: number | undefined;
}

export function createLines(write: (line: string) => void, now: Clock): Progress {
  let step: Step | undefined;
  return {
    show(name, done, of) {
      const time = now();
      if (step?.name !== name || step.of !== of) {
        step = { name, of, began: time, before: done, written: undefined };
      }
      const isEnd = done >= of;
      const { began, before, written } = step;
      const next = written === undefined ? began + SECONDS_TO_FIRST_LINE : written + SECONDS_BETWEEN_LINES;
      if (time >= next || (isEnd && written !== undefined)) {
        step.written = time;
        write(`${done}/${of} ${name}${isEnd ? `, took ${duration(time - began)}` : timeLeft()}\n`);
      }
      if (isEnd) step = undefined;

      function timeLeft(): string {
        if (done <= before) return '';
        return `, ${duration(((time - began) * (of - done)) / (done - before))} to go`;
      }
    },
    end() {
      step = undefined;
    },
  };
}

/** As the bar of a terminal shows it. */
function duration(seconds: number): string {
  return cliProgress.Format.TimeFormat(Math.ceil(seconds), { autopaddingChar: '' }, 1);
}
