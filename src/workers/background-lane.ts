// The lane for background work, for which no client waits, beside the queue of requests. It runs one image at a time:
// on idle workers, or on credit, which is a small share of the engine time of requests.
import type { ImageValues } from '../cascade/image-tensor.js';
import type { Policy } from '../format/profiles.js';
import type { ExecutionPath } from '../network/execution-path.js';
import type { Network } from '../network/network.js';
import { type Batch, joinImages } from './batch.js';
import type { Leaver } from './protocol.js';

export interface BackgroundJob {
  readonly network: Network;
  readonly policy: Policy;
  readonly path: ExecutionPath;
  readonly image: ImageValues;
}

export interface BackgroundOutcome extends Leaver {
  /** Engine time of the job. */
  readonly seconds: number;
}

export interface BackgroundLane {
  /** @throws Error if the engine fails or the worker dies; the job is not retried */
  add(job: BackgroundJob): Promise<BackgroundOutcome>;
  /** Whether there is credit to run while requests wait. */
  hasCredit(): boolean;
  /**
   * The next batch, of one image; undefined while one runs, or if no job waits.
   * @param onCredit whether the job delays requests, so that its engine time is paid with credit
   */
  take(onCredit: boolean): Batch | undefined;
  /** Adds credit for engine time of requests. @param seconds engine time, of which the share is credited */
  earn(seconds: number): void;
}

/** Maximum credit, so that credit saved over a long time does not pay for a burst. */
const MOST_CREDIT_SECONDS = 0.05;

interface Task extends BackgroundJob {
  resolve(outcome: BackgroundOutcome): void;
  reject(error: Error): void;
}

/** @param share engine time of background work while requests wait, as a share of the requests' engine time */
export function createBackgroundLane(share: number): BackgroundLane {
  const tasks: Task[] = [];
  let isRunning = false;
  let creditSeconds = 0;

  function batchOf(task: Task, onCredit: boolean): Batch {
    let seconds = 0;
    function end(error: string): void {
      isRunning = false;
      if (onCredit) creditSeconds -= seconds;
      task.reject(new Error(error)); // no effect if the task is already resolved
    }
    return {
      alone: false,
      command: {
        kind: 'run',
        network: task.network.id,
        policy: task.policy,
        path: task.path,
        images: joinImages([task.image]), // transferred
        deadlines: [Number.POSITIVE_INFINITY],
        topK: [1],
      },
      onProgress({ run, leavers: [leaver] }) {
        seconds += run.seconds / run.batch; // its share of the call, which it may share with requests
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
