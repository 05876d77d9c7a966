// The queue between requests and workers. An idle worker takes waiting requests at once, except during a short hold after
// a batch of several images (batch-hold.ts), so batches grow only under load. Requests whose client has disconnected or
// whose deadline has passed are dropped here. Clients share the workers fairly, and some come last (fair-sharing/).
import type { SegmentRun } from '../cascade/cascade.js';
import type { Clock } from '../foundation/clock.js';
import { Failure } from '../foundation/errors.js';
import { remove } from '../foundation/remove.js';
import type { StartTimer } from '../foundation/timers.js';
import { lastStep } from '../network/execution-path.js';
import type { Network } from '../network/network.js';
import type { Batch } from './batch.js';
import { createBatchHold } from './batch-hold.js';
import type { EngineTime } from './engine-time.js';
import { createFairSharing, type Flow } from './fair-sharing/fair-sharing.js';
import { createSlowLane } from './fair-sharing/slow-lane.js';
import { type Job, type Outcome, type Request, refuseWith } from './request.js';
import { createRequestBatch } from './request-batch.js';

/** Number of workers that can take a batch now. */
export interface Room {
  /** Workers without a batch. */
  readonly idle: number;
  /** Workers that accept a further batch, including idle ones. */
  readonly accepting: number;
}

export interface RequestQueue {
  /** @throws Failure `deadline-exceeded`, `client-gone`, `worker-lost`, `internal-error` */
  add(job: Job): Promise<Outcome>;
  /** Removes the next batch from the queue and calls `run` with it. @returns false if no batch can run now */
  take(room: Room, run: (batch: Batch) => (image: number) => void): boolean;
  /** Refuses all waiting requests, because no worker is left. */
  giveUp(): void;
  /** Number of requests that wait for a worker. */
  depth(): number;
  /** Those of them that are in the slow lane. */
  slowDepth(): number;
  /** Engine time of the others, by the present mean of their networks. */
  engineSeconds(): number;
}

export interface RequestQueueOptions {
  readonly maxBatch: number;
  /** true: a busy worker takes any waiting requests. false: it takes only a full batch, as soon as one waits. */
  readonly eager: boolean;
  readonly now: Clock;
  readonly startTimer: StartTimer;
  readonly engineTime: EngineTime;
  /** Called for every batch of every engine call, with the number of images that left. */
  readonly onSegment: (network: Network, run: SegmentRun, left: number) => void;
  /** Called when waiting requests can run although no worker has become idle. */
  readonly onReady: () => void;
}

/**
 * Least engine time for which a further worker is given a share. Handing work over costs both threads some 0.1 ms, so
 * more workers with less work each would answer fewer requests in all.
 */
const SMALLEST_SHARE_SECONDS = 1e-3;

/** The flow of all requests without an account. */
const NOBODY: Flow = { weight: 1 };

export function createRequestQueue(options: RequestQueueOptions): RequestQueue {
  const { maxBatch, now, startTimer, onSegment } = options;
  const hold = createBatchHold({ now, startTimer, onEnd: options.onReady });
  const sharing = createFairSharing();
  const slowLane = createSlowLane<Request>(isSlow, now);
  /** Requests that have lost a worker are first, then the oldest. */
  const waiting: Request[] = [];

  function add(job: Job): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const request: Request = {
        job,
        enqueued: now(),
        attempts: 0,
        isAnswered: false,
        goneAt: Number.POSITIVE_INFINITY,
        executedFlops: 0,
        isSettled: false,
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
      const flow = flowOf(request);
      if (!waiting.some((other) => flowOf(other) === flow)) sharing.wake(flow);
      waiting.push(request);
    });
  }

  function watchDeadline(request: Request): void {
    if (request.job.deadline === Number.POSITIVE_INFINITY) return;
    const milliseconds = Math.max(0, (request.job.deadline - now()) * 1000);
    request.timer = startTimer(() => drop(request, deadlineExceeded()), milliseconds);
  }

  /** Answers a request with a failure, whether it is still waiting or already running. */
  function drop(request: Request, failure: Failure): void {
    remove(waiting, request);
    request.goneAt = now();
    if (!request.cancel) settle(request);
    refuseWith(request, failure);
  }

  /** Call when no worker computes the request any more. */
  function settle(request: Request): void {
    const { account } = request.job;
    if (!account || request.isSettled) return;
    request.isSettled = true;
    if (request.attempts > 0) sharing.correct(account.flow, request.executedFlops - account.expectedFlops);
    account.settle(request.executedFlops);
  }

  function take({ idle, accepting }: Room, run: (batch: Batch) => (image: number) => void): boolean {
    while (waiting.length > 0) {
      // A request that has lost a worker runs alone: if it kills a second one, no other request is lost with it.
      const isRetry = waiting[0]?.attempts === 1;
      const candidates = isRetry ? waiting.slice(0, 1) : slowLane.next(waiting);
      const inSlowLane = !isRetry && candidates.some(isSlow);
      // One of the slow lane runs alone too, and only on an idle worker: others wait for one image of it at most.
      const alone = isRetry || inSlowLane;
      if (inSlowLane && hold.holds(1)) return false;
      const workers = alone ? idle : takers(idle, accepting, candidates);
      if (workers === 0) return false;
      // An equal share for each worker, so that no worker runs a large batch while another one is idle.
      const share = alone ? 1 : Math.min(maxBatch, Math.ceil(candidates.length / workers));
      const requests = shift(alone ? candidates : shareable(candidates), share);
      if (requests.length === 0) continue; // all of them had passed their deadlines; others may still wait
      if (inSlowLane) slowLane.moved();
      start(requests, alone, run);
      return true;
    }
    return false;
  }

  /** Number of workers that share the requests. */
  function takers(idle: number, accepting: number, { length, 0: oldest }: readonly Request[]): number {
    if (options.eager) return accepting;
    // More idle workers than one: there is little load.
    if (idle === 1 && hold.holds(length)) return 0;
    if (idle > 0) return Math.min(idle, worthwhileShares(length, oldest));
    return length >= maxBatch && accepting > 0 ? 1 : 0;
  }

  /** Number of workers among which so many requests are worth being divided; at least 1. */
  function worthwhileShares(length: number, oldest: Request | undefined): number {
    const seconds = oldest && options.engineTime.perImage(oldest.job.network);
    if (seconds === undefined) return length;
    return Math.max(1, Math.floor((length * seconds) / SMALLEST_SHARE_SECONDS));
  }

  /** Those that can share a batch with the one that is due. */
  function shareable(candidates: readonly Request[]): Request[] {
    const [due] = sharing.inTurn(candidates, flowOf);
    return candidates.filter(({ job }) => due && canShareBatch(job, due.job));
  }

  /** Removes the candidates that are due from the queue, at most `count`. */
  function shift(candidates: readonly Request[], count: number): Request[] {
    const taken: Request[] = [];
    for (const request of sharing.inTurn(candidates, flowOf)) {
      if (taken.length === count) break;
      remove(waiting, request);
      if (request.job.deadline <= now()) {
        settle(request);
        refuseWith(request, deadlineExceeded());
        continue;
      }
      taken.push(request);
      const { account, path } = request.job;
      sharing.begin(flowOf(request), account?.expectedFlops ?? lastStep(path).flops);
    }
    return taken;
  }

  function start(
    requests: readonly Request[],
    alone: boolean,
    run: (batch: Batch) => (image: number) => void,
  ): void {
    hold.batchStarted();
    const events = { onSegment, onOver: settle, onLost, onEnded: hold.batchEnded };
    const cancel = run(createRequestBatch(requests, { alone, ...events }));
    requests.forEach((request, image) => {
      request.timer?.close();
      request.executedFlops = 0;
      request.attempts++;
      // Assigned to a variable first: V8 allocates a closure that is assigned directly to a property in old space. The
      // closure would keep the whole request alive until a major garbage collection.
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
        settle(request);
        refuseWith(request, workerLostTwice());
      }
    }
    options.onReady();
  }

  function engineSeconds(): number {
    return waiting.reduce(
      (sum, request) => sum + (isSlow(request) ? 0 : (options.engineTime.perImage(request.job.network) ?? 0)),
      0,
    );
  }

  function giveUp(): void {
    for (const request of waiting.splice(0)) {
      settle(request);
      refuseWith(request, noWorkerLeft());
    }
  }

  return {
    add,
    take,
    giveUp,
    depth: () => waiting.length,
    slowDepth: () => waiting.filter(isSlow).length,
    engineSeconds,
  };
}

function flowOf({ job }: Request): Flow {
  return job.account?.flow ?? NOBODY;
}

function isSlow(request: Request): boolean {
  return flowOf(request).isSlow ?? false;
}

/** Pixels and the values of tensors cannot stand in one array. */
function canShareBatch(one: Job, other: Job): boolean {
  const isOfOneKind = one.image instanceof Float32Array === other.image instanceof Float32Array;
  return one.path === other.path && one.explain === other.explain && isOfOneKind;
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
