// When an answer may leave. `coarse`: at the first opening of the gate after it is ready. `strict`: at the first opening
// after it would have been ready had its image run the profile's whole path; the exit taken has no part in that time.
// The worker is free as soon as the image has left it. The place for the image is held until the answer leaves, so that
// waiting answers are bounded as all others are.
import type { PrivacyMode } from '../../config/settings.js';
import type { Clock } from '../../foundation/clock.js';
import type { StartTimer } from '../../foundation/timers.js';
import type { ExecutionPath } from '../../network/execution-path.js';
import type { Dispatcher, Workers } from '../../workers/dispatcher.js';
import type { ClientSignal, Job, Outcome } from '../../workers/request.js';
import { createGate } from './gate.js';
import { createWorstCase, type WorstCase } from './worst-case.js';

/** Runs by which a profile's worst case is first measured. */
export const MEASURED_RUNS = 24;

/** An image on its way. */
export interface Paced {
  readonly admitted: number;
  /** Of the request that the image belongs to. */
  readonly images: number;
  readonly signal: ClientSignal | undefined;
  /** Its answer leaves at the first opening at or after this time. */
  due: number;
}

export interface Pacing {
  /** Calls `classify`. Its answer, or its failure, leaves when it may. */
  pace<Answer>(image: Omit<Paced, 'due'>, classify: (paced: Paced) => Promise<Answer>): Promise<Answer>;
  /** Submits the job of a paced image. The first job of a path waits until the path's worst case has been measured. */
  run(job: Job, paced: Paced): Promise<Outcome>;
}

export interface PacingOptions {
  readonly mode: Exclude<PrivacyMode, 'off'>;
  readonly intervalSeconds: number;
  readonly workers: number;
  readonly submit: Dispatcher<Workers>['submit'];
  readonly now: Clock;
  readonly startTimer: StartTimer;
}

export function createPacing(options: PacingOptions): Pacing {
  const { mode, workers, submit, now } = options;
  const gate = createGate(options);
  const worstCases = new WeakMap<ExecutionPath, WorstCase>();
  const measurements = new WeakMap<ExecutionPath, Promise<WorstCase>>();
  /** Images are counted as they come in: the answers of one opening leave in this order. */
  let arrivals = 0;

  async function measure(job: Job): Promise<WorstCase> {
    const times: number[] = [];
    for (let run = 0; run < MEASURED_RUNS; run++) {
      const started = now();
      const { queueSeconds } = await submit({
        ...job,
        // Nobody pays for these runs, and they wait in nobody's lane.
        account: undefined,
        explain: 'full',
        deadline: Number.POSITIVE_INFINITY,
        signal: undefined,
        timeline: undefined,
      });
      times.push(now() - started - queueSeconds);
    }
    // The first runs warm the path up.
    const worst = createWorstCase(times.slice(MEASURED_RUNS / 3));
    worstCases.set(job.path, worst);
    return worst;
  }

  async function worstCaseOf(job: Job): Promise<WorstCase> {
    const { path } = job;
    const known = worstCases.get(path);
    if (known) return known;
    const measuring = measurements.get(path) ?? measure(job);
    measurements.set(path, measuring);
    try {
      return await measuring;
    } finally {
      measurements.delete(path);
    }
  }

  /** @returns when the answer would be ready had its image run the whole path. Lateness shows in whole worst cases. */
  function dueOf({ admitted, images }: Paced, begun: number, stayed: number, worst: WorstCase): number {
    const wholePath = worst.seconds();
    const times = Math.max(1, Math.ceil(stayed / wholePath));
    // The images of one request wait for each other, so their exits are in the waiting time. What counts is the time
    // that they take together when all of them run the whole path.
    const together = images > 1 ? (images * worst.alone) / workers : 0;
    return Math.max(begun + times * wholePath, admitted + together);
  }

  return {
    async pace(image, classify) {
      const leave = gate.enter();
      const order = arrivals++;
      const paced = { ...image, due: Number.NEGATIVE_INFINITY };
      try {
        return await classify(paced);
      } finally {
        await gate.pass(paced.due, order, image.signal);
        leave();
      }
    },
    async run(job, paced) {
      if (mode === 'coarse') return submit(job);
      const worst = await worstCaseOf(job);
      const submitted = now();
      const outcome = await submit(job);
      const begun = submitted + outcome.queueSeconds;
      const stayed = now() - begun;
      paced.due = dueOf(paced, begun, stayed, worst);
      if (outcome.step === job.path.length - 1) worst.note(stayed);
      return outcome;
    },
  };
}
