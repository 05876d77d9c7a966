// The lane beside the scheduler's queue, for work that nobody waits for: one image at a time, when no request waits or
// within a small share of the workers' time.
import type { Policy } from '../format/profiles.js';
import type { Path } from '../network/execution-path.js';
import type { Network } from '../network/network.js';
import type { Batch } from './batch.js';
import type { Leaver } from './protocol.js';

export interface BackgroundJob {
  readonly network: Network;
  readonly policy: Policy;
  readonly path: Path;
  /** uint8 [height, width, channels]. */
  readonly pixels: Uint8Array;
}

export interface Background {
  /** @throws Error if the engine fails or the worker dies; it is not tried again */
  run(job: BackgroundJob): Promise<Leaver & { readonly seconds: number }>;
  /** To be called when a worker takes a batch, before the scheduler gives it one: runs what the share allows. */
  takeShare(): void;
  /** To be called after the scheduler has taken what it wants. */
  takeRest(): void;
  /** Engine time that requests have had; it earns the share. */
  earn(seconds: number): void;
}

export interface BackgroundOptions {
  /** Workers that have nothing in hand; and those that take a batch, these included. */
  readonly idle: () => number;
  readonly accepting: () => number;
  readonly run: (batch: Batch) => unknown;
  /** Requests that wait for a worker. */
  readonly waiting: () => number;
  /** Engine time while requests wait, as a share of theirs. */
  readonly share: number;
}

/** Unused share is kept up to so much, so that a quiet hour does not pay for a burst. */
const MOST_CREDIT_SECONDS = 0.05;

interface Task extends BackgroundJob {
  resolve(leaver: Leaver & { readonly seconds: number }): void;
  reject(error: Error): void;
}

export function createBackground(options: BackgroundOptions): Background {
  const tasks: Task[] = [];
  let isRunning = false;
  let creditSeconds = 0;

  function takeShare(): void {
    const isBusy = options.waiting() > 0 || options.idle() === 0;
    if (creditSeconds > 0 && isBusy) start(true);
  }

  function takeRest(): void {
    if (options.waiting() === 0) start(false);
  }

  /** @param charged whether requests wait for the worker meanwhile, or for others in its hands */
  function start(charged: boolean): void {
    const workers = charged ? options.accepting() : options.idle();
    if (isRunning || tasks.length === 0 || workers === 0) return;
    const task = tasks.shift();
    if (!task) return;
    isRunning = true;
    let seconds = 0;
    const end = (settle: () => void): void => {
      isRunning = false;
      if (charged) creditSeconds -= seconds;
      settle();
    };
    options.run({
      alone: false,
      command: {
        kind: 'run',
        network: task.network.id,
        policy: task.policy,
        path: task.path,
        pixels: Uint8Array.from(task.pixels), // transferred
        deadlines: [Number.POSITIVE_INFINITY],
        topK: [1],
      },
      onProgress({ run, leavers: [leaver] }) {
        seconds += run.seconds / run.batch; // its share of a call that it may have had together with requests
        if (leaver) task.resolve({ ...leaver, seconds });
      },
      onDone: () => end(() => task.reject(new Error('A worker finished without an answer.'))),
      onFailed: (reason) => end(() => task.reject(new Error(reason))),
      onLost: () => end(() => task.reject(new Error('The worker died.'))),
    });
  }

  return {
    run(job) {
      return new Promise((resolve, reject) => {
        tasks.push({ ...job, resolve, reject });
        takeRest();
      });
    },
    takeShare,
    takeRest,
    earn(seconds) {
      creditSeconds = Math.min(MOST_CREDIT_SECONDS, creditSeconds + options.share * seconds);
    },
  };
}
