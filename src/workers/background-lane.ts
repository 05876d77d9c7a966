// The lane beside the queue of requests, for work that nobody waits for: one image at a time. It runs on workers that no
// request needs, or on credit: a small share of the engine time that requests have had.
import type { Policy } from '../format/profiles.js';
import type { ExecutionPath } from '../network/execution-path.js';
import type { Network } from '../network/network.js';
import type { Batch } from './batch.js';
import type { Leaver } from './protocol.js';

export interface BackgroundJob {
  readonly network: Network;
  readonly policy: Policy;
  readonly path: ExecutionPath;
  /** uint8 [height, width, channels]. */
  readonly pixels: Uint8Array;
}

export interface BackgroundOutcome extends Leaver {
  /** Engine time that it took. */
  readonly seconds: number;
}

export interface BackgroundLane {
  /** @throws Error if the engine fails or the worker dies; it is not tried again */
  add(job: BackgroundJob): Promise<BackgroundOutcome>;
  /** Whether there is credit to run beside requests. */
  hasCredit(): boolean;
  /**
   * The next batch, of one image; undefined while one runs, or if there is none.
   * @param onCredit whether requests wait for the worker meanwhile, or for others in its hands
   */
  take(onCredit: boolean): Batch | undefined;
  /** Credits the share of engine time that requests have had. */
  earn(seconds: number): void;
}

/** Credit does not grow beyond this, so that a quiet hour does not pay for a burst. */
const MOST_CREDIT_SECONDS = 0.05;

interface Task extends BackgroundJob {
  resolve(outcome: BackgroundOutcome): void;
  reject(error: Error): void;
}

/** @param share engine time while requests wait, as a share of theirs */
export function createBackgroundLane(share: number): BackgroundLane {
  const tasks: Task[] = [];
  let isRunning = false;
  let creditSeconds = 0;

  function batchOf(task: Task, onCredit: boolean): Batch {
    let seconds = 0;
    function end(error: string): void {
      isRunning = false;
      if (onCredit) creditSeconds -= seconds;
      task.reject(new Error(error)); // no effect if it has its outcome
    }
    return {
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
      onDone: () => end('A worker finished without an answer.'),
      onFailed: end,
      onLost: () => end('The worker died.'),
    };
  }

  return {
    add: (job) =>
      new Promise((resolve, reject) => {
        tasks.push({ ...job, resolve, reject });
      }),
    hasCredit: () => creditSeconds > 0,
    take(onCredit) {
      const task = isRunning ? undefined : tasks.shift();
      if (!task) return undefined;
      isRunning = true;
      return batchOf(task, onCredit);
    },
    earn(seconds) {
      creditSeconds = Math.min(MOST_CREDIT_SECONDS, creditSeconds + share * seconds);
    },
  };
}
