// The queue between requests and workers. There is no batching timer: an idle worker takes what waits, at once, so batches
// grow exactly while none is. Who has gone or run out of time is dropped here.

import type { SegmentRun } from '../cascade/cascade.js';
import { concatenate } from '../cascade/concatenate.js';
import type { Policy } from '../format/profiles.js';
import type { Clock } from '../foundation/clock.js';
import { Failure } from '../foundation/errors.js';
import { remove } from '../foundation/remove.js';
import type { Path } from '../network/execution-path.js';
import type { Network } from '../network/network.js';
import type { Batch } from './batch.js';
import type { Leaver } from './protocol.js';

/**
 * Aborted when nobody waits for an answer any more. Any AbortSignal will do; but making one and listening to it takes
 * a tenth of what the main thread spends on a request, and this much of it is enough.
 */
export interface ClientSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
}

/** When the engine worked on one image, in seconds on the scheduler's clock. */
export interface RunTimeline {
  /** When it began; the last time, if it was tried twice. */
  begun: number | undefined;
  /** Every engine call that the image was part of, in order. */
  readonly segments: SegmentRun[];
}

export interface Job {
  readonly network: Network;
  readonly policy: Policy;
  /** Belongs to one network and policy: jobs with the same object, and only those, may share a batch. */
  readonly path: Path;
  /** uint8 [height, width, channels]. */
  readonly pixels: Uint8Array;
  readonly topK: number;
  /** On the scheduler's clock; Infinity: none. */
  readonly deadline: number;
  readonly signal: ClientSignal | undefined;
  /** To be filled in. */
  readonly timeline?: RunTimeline | undefined;
}

export interface Outcome extends Omit<Leaver, 'image'> {
  readonly queueSeconds: number;
  /** Of the engine, from the first call on this image until it left. */
  readonly inferSeconds: number;
}

export interface Scheduler {
  /** @throws Failure `deadline-exceeded`, `client-gone`, `worker-lost`, `internal-error` */
  submit(job: Job): Promise<Outcome>;
  /** To be called whenever a worker takes a further batch. */
  dispatch(): void;
  /** To be called when `hasWorkers` has come to say no: answers those that wait. */
  giveUp(): void;
  /** Jobs that wait for a worker. */
  depth(): number;
}

export interface SchedulerOptions {
  /** Workers that have nothing in hand; and those that take a batch, these included. */
  readonly idle: () => number;
  readonly accepting: () => number;
  /** Whether a worker that is not idle takes whatever waits; if not, it takes a full batch as soon as that waits. */
  readonly eager: boolean;
  /** Whether any worker serves or is about to: what no worker will take soon is answered at once. */
  readonly hasWorkers: () => boolean;
  readonly run: (batch: Batch) => (image: number) => void;
  readonly maxBatch: number;
  readonly now: Clock;
  /** Called once for every engine call. */
  readonly onSegment: (network: Network, run: SegmentRun) => void;
}

interface Entry {
  readonly job: Job;
  readonly enqueued: number;
  attempts: number;
  settled: boolean;
  /** Runs while it waits: then nobody else watches its deadline. */
  timer: NodeJS.Timeout | undefined;
  cancel: (() => void) | undefined;
  resolve(outcome: Outcome): void;
  reject(failure: Failure): void;
}

export function createScheduler(options: SchedulerOptions): Scheduler {
  const { now, maxBatch } = options;
  let waiting: Entry[] = [];
  let lastRun: SegmentRun | undefined;

  function submit(job: Job): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const settle = (): boolean => {
        if (entry.settled) return false;
        entry.settled = true;
        clearTimeout(entry.timer);
        return true;
      };
      const entry: Entry = {
        job,
        enqueued: now(),
        attempts: 0,
        settled: false,
        timer: undefined,
        cancel: undefined,
        resolve: (outcome) => settle() && resolve(outcome),
        reject: (failure) => settle() && reject(failure),
      };
      const onGone = (): void => {
        if (entry.settled) return;
        drop(entry, new Failure('client-gone', 'The client closed the connection before it was answered.'));
        entry.cancel?.();
      };
      if (job.signal?.aborted) return onGone();
      if (!options.hasWorkers()) return entry.reject(noWorkerLeft());
      job.signal?.addEventListener('abort', onGone);
      watchDeadline(entry);
      waiting.push(entry);
      dispatch();
    });
  }

  /** Until a worker has the entry; from then on the cascade does. */
  function watchDeadline(entry: Entry): void {
    if (entry.job.deadline === Number.POSITIVE_INFINITY) return;
    const milliseconds = Math.max(0, (entry.job.deadline - now()) * 1000);
    entry.timer = setTimeout(() => drop(entry, deadlineExceeded()), milliseconds);
  }

  /** Answers an entry that will not run, or not to its end; it may be waiting or not. */
  function drop(entry: Entry, failure: Failure): void {
    remove(waiting, entry);
    entry.reject(failure);
  }

  function dispatch(): void {
    while (waiting.length > 0) {
      // Whoever has lost a worker runs alone: if one image kills it, only that one dies twice.
      const alone = waiting[0]?.attempts === 1;
      const workers = alone ? options.idle() : takers();
      if (workers === 0) return;
      // An even share for each, so that none runs a long batch beside one that has nothing to do.
      const entries = take(alone ? 1 : Math.min(maxBatch, Math.ceil(waiting.length / workers)));
      if (entries.length > 0) start(entries, alone); // if not, all of these were too late; others may still wait
    }
  }

  /** Workers among whom what waits is shared out. */
  function takers(): number {
    if (options.eager) return options.accepting();
    const idle = options.idle();
    if (idle > 0) return idle;
    return waiting.length >= maxBatch && options.accepting() > 0 ? 1 : 0;
  }

  /** The oldest waiting entries that can run together, at most `count`. */
  function take(count: number): Entry[] {
    const path = waiting[0]?.job.path;
    const taken: Entry[] = [];
    waiting = waiting.filter((entry) => {
      if (entry.job.path !== path || taken.length === count) return true;
      if (entry.job.deadline <= now()) entry.reject(deadlineExceeded());
      else taken.push(entry);
      return false;
    });
    return taken;
  }

  function start(entries: readonly Entry[], alone: boolean): void {
    const [first] = entries as [Entry];
    const { network, policy, path } = first.job;
    let begun: number | undefined;
    let inferSeconds = 0;
    const unanswered = () => entries.filter((entry) => !entry.settled);
    const cancel = options.run({
      alone,
      command: {
        kind: 'run',
        network: network.id,
        policy,
        path,
        pixels: concatenate(
          Uint8Array,
          entries.map((entry) => entry.job.pixels),
        ),
        deadlines: entries.map((entry) => entry.job.deadline),
        topK: entries.map((entry) => entry.job.topK),
      },
      onProgress(progress) {
        // A batch may lie in a worker's hands for a while: that is waiting, too.
        begun ??= progress.run.started;
        inferSeconds += progress.run.seconds;
        // Batches that shared a call share its `run`, and hear of it one after another.
        if (progress.run !== lastRun) options.onSegment(network, progress.run);
        lastRun = progress.run;
        for (const { job, settled } of entries) {
          if (!job.timeline || settled) continue;
          job.timeline.begun = begun;
          job.timeline.segments.push(progress.run);
        }
        for (const { image, step, reason, score, top } of progress.leavers) {
          const entry = entries[image];
          entry?.resolve({ step, reason, score, top, inferSeconds, queueSeconds: begun - entry.enqueued });
        }
      },
      onDone() {
        for (const entry of unanswered()) {
          entry.reject(
            new Failure('internal-error', 'A worker finished without an answer. This is a bug in rdi-serve.'),
          );
        }
      },
      onFailed(reason) {
        for (const entry of unanswered()) {
          // The reason may name files and addresses of this machine: it is for the log.
          const detail = 'The engine failed; the log has the reason under this request id.';
          entry.reject(new Failure('internal-error', detail, { cause: new Error(reason) }));
        }
      },
      onLost() {
        for (const entry of unanswered().reverse()) {
          entry.cancel = undefined;
          if (entry.attempts === 1) {
            watchDeadline(entry);
            waiting.unshift(entry);
          } else {
            entry.reject(
              new Failure('worker-lost', 'Two workers in a row died on this request.', {
                retryAfterSeconds: 1,
              }),
            );
          }
        }
        dispatch();
      },
    });
    entries.forEach((entry, image) => {
      clearTimeout(entry.timer);
      entry.attempts++;
      // Given a name first: V8 allocates a function that is assigned to a property where it stands in old space, and the whole
      // request, which it can see, would stay there until a major garbage collection.
      const cancelImage = (): void => cancel(image);
      entry.cancel = cancelImage;
    });
  }

  function giveUp(): void {
    for (const entry of waiting.splice(0)) entry.reject(noWorkerLeft());
  }

  return { submit, dispatch, giveUp, depth: () => waiting.length };
}

export function noWorkerLeft(): Failure {
  return new Failure('worker-lost', 'No inference worker is left; a new one could not be started.', {
    retryAfterSeconds: 10,
  });
}

function deadlineExceeded(): Failure {
  return new Failure('deadline-exceeded', 'The deadline passed while the request waited for a worker.');
}
