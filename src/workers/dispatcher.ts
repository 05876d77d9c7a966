// Gives work to the workers, always in this order: background work on credit, requests, background work on idle
// workers. The queue and the lane decide what runs next; the pool decides where. Only the dispatcher knows all three.
import type { SegmentRun } from '../cascade/cascade.js';
import type { Clock } from '../foundation/clock.js';
import type { AfterTurn, StartTimer } from '../foundation/timers.js';
import type { Network } from '../network/network.js';
import { type BackgroundJob, type BackgroundOutcome, createBackgroundLane } from './background-lane.js';
import type { Batch } from './batch.js';
import { createEngineTime } from './engine-time.js';
import type { Job, Outcome } from './request.js';
import { createRequestQueue, noWorkerLeft } from './request-queue.js';

/** The interface of the pool that gives batches to threads, see worker-pool.ts. */
export interface Workers {
  /** Number of workers without a batch. */
  idle(): number;
  /** Number of workers that accept a further batch, including idle ones. */
  accepting(): number;
  /** Whether any worker serves or is being started. */
  hasWorkers(): boolean;
  /** @returns a function that cancels one of the batch's images */
  run(batch: Batch): (image: number) => void;
}

export interface WorkerEvents {
  /** A worker accepts a further batch. */
  readonly onAccepting: () => void;
  /** No worker is left, and none could be started. */
  readonly onNoneLeft: () => void;
}

export interface Dispatcher<Pool extends Workers> {
  readonly workers: Pool;
  /** @throws Failure `deadline-exceeded`, `client-gone`, `worker-lost`, `internal-error` */
  submit(job: Job): Promise<Outcome>;
  /** @throws Error if the engine fails or the worker dies; the job is not retried */
  submitBackground(job: BackgroundJob): Promise<BackgroundOutcome>;
  /** Number of requests that wait for a worker. */
  waiting(): number;
  /** Those of them that are in the slow lane. */
  waitingInSlowLane(): number;
  /** Engine time that the others will take, by the present mean of their networks. */
  waitingSeconds(): number;
  /** Engine time of all requests since the start, over all workers. */
  engineSeconds(): number;
}

export interface DispatcherOptions<Pool extends Workers> {
  readonly createWorkers: (events: WorkerEvents) => Pool;
  readonly maxBatch: number;
  /** See `RequestQueueOptions`. */
  readonly eager: boolean;
  /** Engine time of background work while requests wait, as a share of the requests' engine time. */
  readonly backgroundShare: number;
  readonly now: Clock;
  readonly startTimer: StartTimer;
  readonly afterTurn: AfterTurn;
  /** Called once for every engine call that included requests. */
  readonly onSegment: (network: Network, run: SegmentRun) => void;
}

export function createDispatcher<Pool extends Workers>(options: DispatcherOptions<Pool>): Dispatcher<Pool> {
  const workers = options.createWorkers({ onAccepting: dispatch, onNoneLeft: () => queue.giveUp() });
  const lane = createBackgroundLane(options.backgroundShare);
  const engineTime = createEngineTime();
  let lastRun: SegmentRun | undefined;
  let engineSeconds = 0;
  const queue = createRequestQueue({
    ...options,
    engineTime,
    onReady: dispatch,
    onSegment(network, run, left) {
      engineTime.left(network, left);
      // Batches that shared a call report the same `run` object one after another.
      if (run === lastRun) return;
      lastRun = run;
      options.onSegment(network, run);
      engineTime.called(network, run.seconds);
      engineSeconds += run.seconds;
      lane.earn(run.seconds);
    },
  });
  let isAwaited = false;

  /** Requests that arrive in the same turn of the event loop share a batch, and a message to a worker. */
  function dispatchAfterTurn(): void {
    if (isAwaited) return;
    isAwaited = true;
    options.afterTurn(() => {
      isAwaited = false;
      dispatch();
    });
  }

  function dispatch(): void {
    const isBusy = queue.depth() > 0 || workers.idle() === 0;
    if (isBusy && lane.hasCredit() && workers.accepting() > 0) runBackground(true);
    while (queue.take({ idle: workers.idle(), accepting: workers.accepting() }, workers.run));
    if (queue.depth() === 0 && workers.idle() > 0) runBackground(false);
  }

  function runBackground(onCredit: boolean): void {
    const batch = lane.take(onCredit);
    if (batch) workers.run(batch);
  }

  return {
    workers,
    submit(job) {
      if (!workers.hasWorkers()) {
        job.account?.settle(0);
        return Promise.reject(noWorkerLeft());
      }
      const outcome = queue.add(job);
      dispatchAfterTurn();
      return outcome;
    },
    submitBackground(job) {
      const outcome = lane.add(job);
      dispatch();
      return outcome;
    },
    waiting: queue.depth,
    waitingInSlowLane: queue.slowDepth,
    waitingSeconds: queue.engineSeconds,
    engineSeconds: () => engineSeconds,
  };
}
