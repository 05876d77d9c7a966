// Decides where an image is resized: small ones at once, large ones on a thread, so that the event loop goes on meanwhile.
// Threads are started when they are needed, and keep no process alive.
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { type Decoded, planOf, type Resampled, resample } from './resample.js';
import type { ResampleJob, ResampleOutcome } from './resample-thread.js';

/** About a millisecond; more is handed to a thread. */
const MOST_AT_ONCE = 500_000;
/** As many as libuv decodes with at a time. */
const MOST_THREADS = 4;

export interface Resampler {
  /**
   * @param image may be handed over to a thread: do not use its pixels any more
   * @returns uint8 [input.height, input.width, input.channels] in memory of its own
   */
  resample(image: Decoded, input: Resampled): Promise<Uint8Array>;
}

interface Thread {
  readonly run: (job: ResampleJob) => Promise<Uint8Array>;
  waiting: number;
}

export function createResampler({
  mostThreads = Math.min(MOST_THREADS, availableParallelism()),
  file = new URL('./resample-thread.js', import.meta.url),
} = {}): Resampler {
  const threads = new Set<Thread>();

  function leastBusy(): Thread {
    const [least] = [...threads].sort((a, b) => a.waiting - b.waiting);
    if (least && (least.waiting === 0 || threads.size === mostThreads)) return least;
    const thread: Thread = { run: startThread(file, () => threads.delete(thread)), waiting: 0 };
    threads.add(thread);
    return thread;
  }

  return {
    async resample(image, input) {
      const plan = planOf(image, input);
      if (plan.multiplications <= MOST_AT_ONCE) return resample(image, input, plan);
      const thread = leastBusy();
      thread.waiting++;
      try {
        return await thread.run({ image, input });
      } finally {
        thread.waiting--;
      }
    },
  };
}

/** @param onEnd called when the thread has died, before those that wait for it are told. */
function startThread(file: URL, onEnd: () => void): Thread['run'] {
  const worker = new Worker(file, { name: 'rdi-resize' });
  const waiting: { resolve: (pixels: Uint8Array) => void; reject: (cause: unknown) => void }[] = [];
  worker.unref();

  worker.on('message', (outcome: ResampleOutcome) => {
    const first = waiting.shift();
    if (waiting.length === 0) worker.unref();
    if ('pixels' in outcome) first?.resolve(outcome.pixels);
    else first?.reject(new Error(`The image could not be resized: ${outcome.failed}`));
  });
  let cause: unknown;
  worker.on('error', (error) => {
    cause = error;
  });
  worker.on('exit', (code) => {
    onEnd();
    const lost = new Error('The thread that resized the image died.', {
      cause: cause ?? `exit code ${code}`,
    });
    for (const { reject } of waiting.splice(0)) reject(lost);
  });

  return ({ image, input }) =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      worker.ref();
      const job: ResampleJob = { image, input };
      worker.postMessage(job, [image.pixels.buffer as ArrayBuffer]);
    });
}
