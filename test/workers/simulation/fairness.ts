// Checks the engine calls of one worker: no batch in its buffer is passed over too often.
import { MOST_CALLS_PASSED_OVER } from '../../../src/cascade/segment-queue.js';
import type { Command, Report } from '../../../src/workers/protocol.js';

export interface Fairness {
  received(command: Command): void;
  /** @throws Error if a batch has been passed over too often */
  reported(report: Report): void;
}

export function watchFairness(): Fairness {
  let calls = 0;
  /** By place in the buffer: the last call in which the batch must be included. */
  const latest = new Map<number, number>();

  /** Batches that already wait may each go first when their limit is reached, and one call may be in progress. */
  function wait(place: number): void {
    latest.delete(place);
    latest.set(place, calls + 1 + MOST_CALLS_PASSED_OVER + latest.size + 1);
  }

  return {
    received(command) {
      if (command.kind === 'run') wait(command.place);
    },
    reported(report) {
      switch (report.kind) {
        case 'progress':
          calls++;
          for (const { place, done } of report.parts) {
            if (done) latest.delete(place);
            else wait(place);
          }
          break;
        case 'failed':
          calls++;
          for (const place of report.places) latest.delete(place);
          break;
        case 'done':
          latest.delete(report.place);
      }
      for (const [place, call] of latest) {
        if (calls >= call) throw new Error(`the batch at place ${place} starves`);
      }
    },
  };
}
