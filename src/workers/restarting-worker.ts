// One worker of the pool: its thread, its batches, and a new thread if the thread dies.
// A thread is never terminated while it computes, because that would abort the whole process.
import type { Logger } from 'pino';
import { invariant, messageOf } from '../foundation/errors.js';
import type { StartTimer, Timer } from '../foundation/timers.js';
import type { Network } from '../network/network.js';
import type { Batch } from './batch.js';
import type { LoadCommand, Report, WorkerSetup } from './protocol.js';
import type { StartThread, WorkerThread } from './thread.js';
import { createWorkerBuffer } from './worker-buffer.js';

export type ReadyReport = Extract<Report, { kind: 'ready' }>;

export interface RestartingWorker {
  /**
   * Starts the first thread, which may refuse networks; its replacements must load all of the current `networks`.
   * Rejects if the thread dies before it is ready; it is then not replaced.
   */
  start(): Promise<ReadyReport>;
  /** Number of images in the worker's batches. */
  images(): number;
  /** Ready, without a batch. */
  isIdle(): boolean;
  /** Ready, with room for a further batch. */
  isAccepting(): boolean;
  /** Whether the last attempt to replace a dead thread failed; there will be another attempt. */
  isLost(): boolean;
  /** @returns a function that cancels one of the batch's images. */
  run(batch: Batch): (image: number) => void;
  /**
   * Loads a network, or more of one, as soon as the worker is idle; until then it accepts no batch.
   * @returns why nothing was loaded; undefined if it was loaded, or if the thread's replacement will load it
   */
  load(command: LoadCommand): Promise<string | undefined>;
  /** Releases what the thread holds and `networks` has no longer, as soon as no batch of the worker needs it. */
  tidy(): void;
  /** Accepts no more batches, waits for the current ones to finish and ends the thread. */
  close(): Promise<void>;
}

export interface RestartingWorkerOptions {
  readonly index: number;
  readonly maxBatch: number;
  readonly concurrentBatches: number;
  readonly engine: WorkerSetup['engine'];
  /** The networks that a new thread loads. */
  readonly networks: () => readonly Network[];
  readonly startThread: StartThread;
  readonly startTimer: StartTimer;
  readonly logger: Logger;
  /** Called whenever the worker accepts a further batch. */
  readonly onAccepting: () => void;
  /** Called before a dead thread is replaced. */
  readonly onRestart: () => void;
  /** Called when a replacement could not be started or died before it was ready; there will be another attempt. */
  readonly onRestartFailed: () => void;
}

const FIRST_BACKOFF_MS = 200;
const LONGEST_BACKOFF_MS = 30_000;

function backoffMs(failed: number): number {
  return failed === 0 ? 0 : Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (failed - 1));
}

interface Load {
  readonly command: LoadCommand;
  begun: boolean;
  readonly end: (refused: string | undefined) => void;
}

export function createRestartingWorker(options: RestartingWorkerOptions): RestartingWorker {
  const { index, logger, maxBatch } = options;
  const buffer = createWorkerBuffer(options.concurrentBatches, maxBatch);
  let thread: WorkerThread | undefined;
  let state: 'starting' | 'serving' | 'loading' | 'dead' | 'ending' = 'dead';
  let pending: Load | undefined;
  let closing = false;
  /** Ids of the networks that the thread has loaded. */
  const held = new Set<string>();
  let isTidy = true;
  /** Number of failed restarts since a thread was last ready. */
  let failedRestarts = 0;
  let restart: Timer | undefined;

  /**
   * Starts a thread and waits until it is ready. Rejects if it cannot start or dies before; later deaths call onDeath.
   * @param needsAll whether the thread must load all networks, because it may get requests for any of them
   */
  async function spawn(needsAll: boolean): Promise<ReadyReport> {
    state = 'starting';
    const setup: WorkerSetup = {
      engine: options.engine,
      networks: options.networks(),
      needsAll,
      maxBatch,
      cancelled: buffer.cancelled,
    };
    const started = options.startThread(setup, `rdi-${index}`);
    thread = started;
    held.clear();
    for (const { id } of setup.networks) held.add(id);
    return new Promise((resolve, reject) => {
      let cause: unknown;
      started.on('message', (report: Report) => {
        if (report.kind === 'ready') {
          failedRestarts = 0;
          for (const { id } of report.refused) held.delete(id);
          isTidy = false; // the networks may have changed since the start
          resolve(report);
          serve();
        } else {
          onReport(report);
        }
      });
      started.on('error', (error) => {
        cause = error;
      });
      started.on('exit', (code) => {
        thread = undefined;
        cause ??= `exit code ${code}`;
        if (state === 'starting') reject(cause);
        else if (state !== 'ending') onDeath(cause);
      });
    });
  }

  function onReport(report: Exclude<Report, ReadyReport>): void {
    switch (report.kind) {
      case 'loaded': {
        const load = pending;
        pending = undefined;
        if (load && report.refused === undefined) held.add(load.command.network.id);
        serve();
        load?.end(report.refused);
        return;
      }
      case 'progress':
        for (const { place, leavers, done } of report.parts) {
          buffer.at(place).onProgress({ run: report.run, leavers });
          if (done) buffer.giveBack(place).onDone();
        }
        break;
      case 'done':
        buffer.giveBack(report.place).onDone();
        break;
      case 'failed':
        for (const place of report.places) buffer.giveBack(place).onFailed(report.reason);
    }
    goOn();
  }

  function serve(): void {
    state = 'serving';
    goOn();
  }

  function goOn(): void {
    if (!isTidy) tidy();
    if (isAccepting()) options.onAccepting();
    else if (!isIdle()) return;
    else if (closing) end();
    else if (pending) beginLoad(pending);
  }

  function tidy(): void {
    isTidy = false;
    if (state !== 'serving') return;
    isTidy = true;
    const served = new Set(options.networks().map(({ id }) => id));
    for (const id of held) {
      if (served.has(id)) continue;
      if (buffer.has(id)) {
        isTidy = false;
        continue;
      }
      held.delete(id);
      thread?.postMessage({ kind: 'unload', network: id });
    }
  }

  function isIdle(): boolean {
    return state === 'serving' && buffer.images() === 0;
  }

  function isAccepting(): boolean {
    return state === 'serving' && !pending && !closing && buffer.hasRoom();
  }

  function beginLoad(load: Load): void {
    state = 'loading';
    load.begun = true;
    thread?.postMessage(load.command);
  }

  function end(): void {
    pending?.end('The server is shutting down.');
    state = 'ending';
    thread?.postMessage({ kind: 'close' });
  }

  function onDeath(cause: unknown): void {
    const load = pending;
    pending = undefined;
    state = 'dead';
    logger.error({ worker: index, cause: messageOf(cause) }, 'worker died');
    for (const batch of buffer.giveBackAll()) batch.onLost();
    load?.end(load.begun ? 'A worker died while it loaded the network.' : undefined);
    if (closing) return;
    if (failedRestarts > 0) options.onRestartFailed();
    // Not synchronously: the pool must withdraw the load that killed this thread before the next thread loads it.
    restart = options.startTimer(() => void replace(), backoffMs(failedRestarts));
  }

  async function replace(): Promise<void> {
    options.onRestart();
    try {
      await spawn(true);
      logger.info({ worker: index }, 'worker replaced');
    } catch (cause) {
      failedRestarts++;
      onDeath(cause);
    }
  }

  return {
    start: () => spawn(false),
    images: buffer.images,
    isIdle,
    isAccepting,
    isLost: () => failedRestarts > 0,

    run(batch) {
      invariant(thread && isAccepting(), 'a batch is given only to a worker that accepts it');
      const { command } = batch;
      const { place, cancel } = buffer.take(batch);
      thread.postMessage({ ...command, place }, [command.images.buffer as ArrayBuffer]);
      return cancel;
    },

    load(command) {
      return new Promise((resolve) => {
        // The next thread loads it when it starts.
        if (state === 'dead' || state === 'ending') return resolve(undefined);
        pending = { command, begun: false, end: resolve };
        if (isIdle()) beginLoad(pending);
      });
    },

    tidy,

    async close() {
      closing = true;
      restart?.close();
      if (!thread) return;
      const ended = new Promise((resolve) => thread?.on('exit', resolve));
      if (isIdle()) end();
      await ended;
    },
  };
}
