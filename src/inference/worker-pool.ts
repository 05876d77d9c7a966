// The worker threads: starts them, hands each at most one batch, replaces those that die.
// A thread is never terminated while it computes: that would abort the whole process.
import { SHARE_ENV, Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { SegmentSource } from '../engines/engine.js';
import { invariant, messageOf, PackageError, UsageError } from '../errors.js';
import type {
  EngineInfo,
  LoadCommand,
  Network,
  Progress,
  Report,
  RunCommand,
  WorkerSetup,
} from './protocol.js';

/** A batch on its way; exactly one of the three endings is called. */
export interface Batch {
  readonly command: RunCommand;
  onProgress(progress: Progress): void;
  onDone(): void;
  /** The engine threw. */
  onFailed(reason: string): void;
  /** The worker died. */
  onLost(): void;
}

export interface WorkerPool {
  readonly size: number;
  /**
   * Starts all workers. @returns the engine, and the networks that some worker refused with its reason.
   * @throws UsageError if a worker cannot start; the others have ended then.
   */
  start(): Promise<{ engine: EngineInfo; refused: ReadonlyMap<string, string> }>;
  /** Workers that wait for a batch. */
  idle(): number;
  /** Gives a batch to an idle worker. @returns a function that cancels one of its images. */
  run(batch: Batch): (image: number) => void;
  /**
   * Loads further segments of a network into every worker, into one after another, so that the others go on with
   * their work. One load at a time. @throws PackageError if a worker refuses them; all go on with what they had.
   */
  load(network: string, segments: readonly SegmentSource[]): Promise<void>;
  /** Lets the batches in hand finish, then ends the threads. */
  close(): Promise<void>;
}

export interface WorkerPoolOptions {
  readonly size: number;
  readonly maxBatch: number;
  readonly engine: WorkerSetup['engine'];
  readonly networks: readonly Network[];
  readonly logger: Logger;
  /** Called whenever a worker becomes idle. */
  readonly onIdle: () => void;
  readonly onRestart: () => void;
  /** Called when a worker could not be replaced and none is left; it is tried again later. */
  readonly onNoneLeft: () => void;
}

const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 30_000;

interface Slot {
  readonly index: number;
  readonly cancelled: Int32Array;
  worker: Worker | undefined;
  state: 'starting' | 'idle' | 'busy' | 'dead' | 'closing';
  batch: Batch | undefined;
  /** What it is to load as soon as it is idle; its state is busy meanwhile. */
  load: Load | undefined;
  /** Deaths in a row before being ready. */
  failedStarts: number;
  restart: NodeJS.Timeout | undefined;
}

interface Load {
  readonly command: LoadCommand;
  begun: boolean;
  /** @param refused why nothing was loaded; undefined: it was, or the worker is to be replaced by one that has it. */
  readonly end: (refused: string | undefined) => void;
}

type ReadyReport = Extract<Report, { kind: 'ready' }>;

export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  const { logger } = options;
  /** What a new worker loads. */
  let { networks } = options;
  const slots = Array.from({ length: options.size }, (_, index): Slot => {
    const cancelled = new Int32Array(new SharedArrayBuffer(options.maxBatch * Int32Array.BYTES_PER_ELEMENT));
    return {
      index,
      cancelled,
      worker: undefined,
      state: 'dead',
      batch: undefined,
      load: undefined,
      failedStarts: 0,
      restart: undefined,
    };
  });
  let started = false;
  let closing = false;

  function spawn(slot: Slot): Promise<ReadyReport> {
    slot.state = 'starting';
    const workerData: WorkerSetup = {
      engine: options.engine,
      networks,
      cancelled: slot.cancelled.buffer as SharedArrayBuffer,
    };
    const worker = new Worker(new URL('./worker.js', import.meta.url), {
      workerData,
      env: SHARE_ENV,
      name: `rdi-${slot.index}`,
    });
    slot.worker = worker;
    return new Promise((resolve, reject) => {
      let cause: unknown;
      worker.on('message', (report: Report) => {
        if (report.kind === 'ready') {
          slot.failedStarts = 0;
          resolve(report);
          becomeIdle(slot);
        } else {
          onReport(slot, report);
        }
      });
      worker.on('error', (error) => {
        cause = error;
      });
      worker.on('exit', (code) => {
        reject(cause ?? new Error(`exit code ${code}`));
        onExit(slot, cause ?? `exit code ${code}`);
      });
    });
  }

  function onReport(slot: Slot, report: Exclude<Report, ReadyReport>): void {
    if (report.kind === 'loaded') {
      const { load } = slot;
      slot.load = undefined;
      becomeIdle(slot);
      load?.end(report.refused);
      return;
    }
    const { batch } = slot;
    invariant(batch, 'a worker reports only on a batch in hand');
    if (report.kind === 'progress') {
      batch.onProgress(report);
      if (!report.done) return;
    }
    slot.batch = undefined;
    if (report.kind === 'failed') batch.onFailed(report.reason);
    else batch.onDone();
    becomeIdle(slot);
  }

  function becomeIdle(slot: Slot): void {
    slot.state = 'idle';
    if (closing) end(slot);
    else if (slot.load) beginLoad(slot, slot.load);
    else options.onIdle();
  }

  function beginLoad(slot: Slot, load: Load): void {
    slot.state = 'busy';
    load.begun = true;
    slot.worker?.postMessage(load.command);
  }

  function end(slot: Slot): void {
    slot.load?.end('The server is shutting down.');
    slot.state = 'closing';
    slot.worker?.postMessage({ kind: 'close' });
  }

  function onExit(slot: Slot, cause: unknown): void {
    const { batch, load, state } = slot;
    slot.worker = undefined;
    slot.batch = undefined;
    slot.load = undefined;
    slot.state = 'dead';
    if (state === 'closing' || !started) return;
    logger.error({ worker: slot.index, cause: messageOf(cause) }, 'worker died');
    batch?.onLost();
    load?.end(load.begun ? 'A worker died while it loaded them.' : undefined);
    if (closing) return;
    const delay = Math.min(
      LONGEST_BACKOFF_MS,
      slot.failedStarts && FIRST_BACKOFF_MS * 2 ** slot.failedStarts,
    );
    slot.failedStarts++;
    const alive = slots.some((one) => one.state === 'idle' || one.state === 'busy');
    if (state === 'starting' && !alive) options.onNoneLeft();
    slot.restart = setTimeout(() => {
      options.onRestart();
      spawn(slot).then(
        () => logger.info({ worker: slot.index }, 'worker replaced'),
        () => {}, // onExit has logged it and tries again
      );
    }, delay);
  }

  async function load(network: string, segments: readonly SegmentSource[]): Promise<void> {
    const before = networks;
    networks = before.map((one) =>
      one.id === network ? { ...one, segments: [...one.segments, ...segments] } : one,
    );
    const command: LoadCommand = { kind: 'load', network, segments };
    for (const slot of slots) {
      const refused = await new Promise<string | undefined>((resolve) => {
        // A worker to come starts with the new list.
        if (slot.state === 'dead' || slot.state === 'closing') return resolve(undefined);
        slot.load = { command, begun: false, end: resolve };
        if (slot.state === 'idle') beginLoad(slot, slot.load);
      });
      if (refused !== undefined) {
        networks = before;
        throw new PackageError(refused);
      }
    }
  }

  async function close(): Promise<void> {
    closing = true;
    await Promise.all(
      slots.map((slot) => {
        clearTimeout(slot.restart);
        const { worker } = slot;
        if (!worker) return undefined;
        const ended = new Promise((resolve) => worker.once('exit', resolve));
        if (slot.state === 'idle') end(slot);
        return ended;
      }),
    );
  }

  return {
    size: options.size,

    async start() {
      const reports = await Promise.all(slots.map(spawn)).catch(async (error: unknown) => {
        await close();
        const [reason] = messageOf(error).split('\n', 1); // Node adds what required what
        throw new UsageError(`The engine cannot be started: ${reason}.`, { cause: error });
      });
      started = true;
      const [first] = reports;
      invariant(first, 'a pool has at least one worker');
      const refused = new Map(
        reports.flatMap((one) => one.refused.map(({ id, reason }) => [id, reason] as const)),
      );
      return { engine: first.engine, refused };
    },

    idle: () => slots.filter((slot) => slot.state === 'idle').length,

    run(batch) {
      const slot = slots.find(({ state }) => state === 'idle');
      invariant(slot?.worker, 'a batch is given only to an idle worker');
      slot.cancelled.fill(0);
      slot.worker.postMessage(batch.command, [batch.command.pixels.buffer as ArrayBuffer]);
      slot.state = 'busy';
      slot.batch = batch;
      return (image) => {
        if (slot.batch === batch) Atomics.store(slot.cancelled, image, 1);
      };
    },

    load,
    close,
  };
}
