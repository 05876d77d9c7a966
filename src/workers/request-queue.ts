// The queue between requests and workers. There is no batching timer: an idle worker takes what waits, at once, so batches
// grow exactly while none is idle. Requests whose client has gone or whose deadline has passed are dropped here.
import type { SegmentRun } from '../cascade/cascade.js';
import type { Clock } from '../foundation/clock.js';
import { Failure } from '../foundation/errors.js';
import { remove } from '../foundation/remove.js';
import type { StartTimer } from '../foundation/timers.js';
import type { Network } from '../network/network.js';
import type { Batch } from './batch.js';
import { type Job, type Outcome, type Request, refuseWith } from './request.js';
import { createRequestBatch } from './request-batch.js';

/** How many workers could be given a batch now. */
export interface Room {
  /** Those that have nothing in hand. */
  readonly idle: number;
  /** Those that take a further batch, the idle ones included. */
  readonly accepting: number;
}

export interface RequestQueue {
  /** @throws Failure `deadline-exceeded`, `client-gone`, `worker-lost`, `internal-error` */
  add(job: Job): Promise<Outcome>;
  /** The batch that should run next, if any; it is out of the queue then, and `run` is called with it. */
  take(room: Room, run: (batch: Batch) => (image: number) => void): boolean;
  /** Refuses all that wait: no worker is left. */
  giveUp(): void;
  /** Requests that wait for a worker. */
  depth(): number;
}

export interface RequestQueueOptions {
  readonly maxBatch: number;
  /** Whether a worker that is not idle takes whatever waits; if not, it takes a full batch as soon as one waits. */
  readonly eager: boolean;
  readonly now: Clock;
  readonly startTimer: StartTimer;
  /** Called for every batch that an engine call ran for. */
  readonly onSegment: (network: Network, run: SegmentRun) => void;
  /** Called when requests wait again because their worker has died. */
  readonly onReturned: () => void;
}

export function createRequestQueue(options: RequestQueueOptions): RequestQueue {
  const { maxBatch, now, onSegment } = options;
  /** The oldest first. */
  let waiting: Request[] = [];

  function add(job: Job): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const request: Request = {
        job,
        enqueued: now(),
        attempts: 0,
        isAnswered: false,
        timer: undefined,
        cancel: undefined,
        resolve,
        reject,
      };
      const onGone = (): void => {
        drop(request, clientGone());
        request.cancel?.();
      };
      if (job.signal?.aborted) return onGone();
      job.signal?.addEventListener('abort', onGone);
      watchDeadline(request);
      waiting.push(request);
    });
  }

  function watchDeadline(request: Request): void {
    if (request.job.deadline === Number.POSITIVE_INFINITY) return;
    const milliseconds = Math.max(0, (request.job.deadline - now()) * 1000);
    request.timer = options.startTimer(() => drop(request, deadlineExceeded()), milliseconds);
  }

  /** Answers a request that will not run, or not to its end; it may be waiting or not. */
  function drop(request: Request, failure: Failure): void {
    remove(waiting, request);
    refuseWith(request, failure);
  }

  function take({ idle, accepting }: Room, run: (batch: Batch) => (image: number) => void): boolean {
    while (waiting.length > 0) {
      // A request that has lost a worker runs alone: if it kills a second one, no other request is lost with it.
      const alone = waiting[0]?.attempts === 1;
      const workers = alone ? idle : takers(idle, accepting);
      if (workers === 0) return false;
      // An even share for each, so that none runs a long batch beside one that has nothing to do.
      const requests = shift(alone ? 1 : Math.min(maxBatch, Math.ceil(waiting.length / workers)));
      if (requests.length === 0) continue; // all of these were too late; others may still wait
      start(requests, alone, run);
      return true;
    }
    return false;
  }

  /** Workers among whom what waits is shared out. */
  function takers(idle: number, accepting: number): number {
    if (options.eager) return accepting;
    if (idle > 0) return idle;
    return waiting.length >= maxBatch && accepting > 0 ? 1 : 0;
  }

  /** Takes out the oldest requests that can run together, at most `count`. */
  function shift(count: number): Request[] {
    const path = waiting[0]?.job.path;
    const taken: Request[] = [];
    waiting = waiting.filter((request) => {
      if (request.job.path !== path || taken.length === count) return true;
      if (request.job.deadline <= now()) refuseWith(request, deadlineExceeded());
      else taken.push(request);
      return false;
    });
    return taken;
  }

  function start(
    requests: readonly Request[],
    alone: boolean,
    run: (batch: Batch) => (image: number) => void,
  ): void {
    const cancel = run(createRequestBatch(requests, { alone, onSegment, onLost }));
    requests.forEach((request, image) => {
      request.timer?.close();
      request.attempts++;
      // Given a name first: V8 allocates a function that is assigned to a property where it stands in old space, and the whole
      // request, which it can see, would stay there until a major garbage collection.
      const cancelImage = (): void => cancel(image);
      request.cancel = cancelImage;
    });
  }

  function onLost(requests: Request[]): void {
    for (const request of requests.reverse()) {
      request.cancel = undefined;
      if (request.attempts === 1) {
        watchDeadline(request);
        waiting.unshift(request);
      } else {
        refuseWith(request, workerLostTwice());
      }
    }
    options.onReturned();
  }

  function giveUp(): void {
    for (const request of waiting.splice(0)) refuseWith(request, noWorkerLeft());
  }

  return { add, take, giveUp, depth: () => waiting.length };
}

export function noWorkerLeft(): Failure {
  return new Failure('worker-lost', 'No inference worker is left; a new one could not be started.', {
    retryAfterSeconds: 10,
  });
}

function workerLostTwice(): Failure {
  return new Failure('worker-lost', 'Two workers in a row died on this request.', { retryAfterSeconds: 1 });
}

function deadlineExceeded(): Failure {
  return new Failure('deadline-exceeded', 'The deadline passed while the request waited for a worker.');
}

function clientGone(): Failure {
  return new Failure('client-gone', 'The client closed the connection before it was answered.');
}
