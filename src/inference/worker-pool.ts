// The worker threads: starts them, hands them batches, replaces those that die.
// A thread is never terminated while it computes: that would abort the whole process.
import { SHARE_ENV, Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { SegmentSource } from '../engines/engine.js';
import { invariant, messageOf, PackageError, UsageError } from '../errors.js';
import { type BatchesInHand, createBatchesInHand } from './batches-in-hand.js';
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
  /** It may kill its worker: it goes to one that has nothing in hand, and nothing is given to that one beside it. */
  readonly alone: boolean;
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
  /** Workers that have nothing in hand and wait for a batch. */
  idle(): number;
  /** Those, and workers that take a further batch. */
  accepting(): number;
  /** Gives a batch to the worker with the fewest images in hand. @returns a function that cancels one of its images. */
  run(batch: Batch): (image: number) => void;
  /**
   * Loads further segments of a network into every worker, into one after another, so that the others go on with
   * their work. One load at a time. @throws PackageError if a worker refuses them; all go on with what they had.
   */
  load(network: string, segments: readonly SegmentSource[]): Promise<void>;
  /** Lets the batches in hand finish, then ends the threads; takes no more. */
  close(): Promise<void>;
}

export interface WorkerPoolOptions {
  readonly size: number;
  readonly maxBatch: number;
  /** How much a worker may have in hand at once, see batches-in-hand.ts. */
  readonly concurrentBatches: number;
  readonly engine: WorkerSetup['engine'];
  readonly networks: readonly Network[];
  readonly logger: Logger;
  /** Called whenever a worker takes a further batch. */
  readonly onAccepting: () => void;
  readonly onRestart: () => void;
  /** Called when a worker could not be replaced and none is left; it is tried again later. */
  readonly onNoneLeft: () => void;
}

const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 30_000;

interface Slot {
  readonly index: number;
  readonly inHand: BatchesInHand;
  worker: Worker | undefined;
  state: 'starting' | 'serving' | 'loading' | 'dead' | 'closing';
  /** What it is to load as soon as nothing is in hand; until then it takes nothing more. */
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
  const { logger, maxBatch, concurrentBatches } = options;
  /** What a new worker loads. */
  let { networks } = options;
  const slots = Array.from(
    { length: options.size },
    (_, index): Slot => ({
      index,
      inHand: createBatchesInHand(concurrentBatches, maxBatch),
      worker: undefined,
      state: 'dead',
      load: undefined,
      failedStarts: 0,
      restart: undefined,
    }),
  );
  let started = false;
  let closing = false;

  function spawn(slot: Slot): Promise<ReadyReport> {
    slot.state = 'starting';
    const workerData: WorkerSetup = {
      engine: options.engine,
      networks,
      maxBatch,
      concurrentBatches,
      cancelled: slot.inHand.cancelled,
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
          serve(slot);
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
    const { inHand } = slot;
    if (report.kind === 'loaded') {
      const { load } = slot;
      slot.load = undefined;
      serve(slot);
      load?.end(report.refused);
      return;
    }
    switch (report.kind) {
      case 'progress':
        for (const { place, leavers, done } of report.parts) {
          inHand.at(place).onProgress({ run: report.run, leavers });
          if (done) inHand.giveBack(place).onDone();
        }
        break;
      case 'done':
        inHand.giveBack(report.place).onDone();
        break;
      case 'failed':
        for (const place of report.places) inHand.giveBack(place).onFailed(report.reason);
    }
    goOn(slot);
  }

  function serve(slot: Slot): void {
    slot.state = 'serving';
    goOn(slot);
  }

  function goOn(slot: Slot): void {
    if (isAccepting(slot)) options.onAccepting();
    else if (!isIdle(slot)) return;
    else if (closing) end(slot);
    else if (slot.load) beginLoad(slot, slot.load);
  }

  function isIdle({ state, inHand }: Slot): boolean {
    return state === 'serving' && inHand.images() === 0;
  }

  function isAccepting({ state, inHand, load }: Slot): boolean {
    return state === 'serving' && !load && !closing && inHand.hasRoom();
  }

  function beginLoad(slot: Slot, load: Load): void {
    slot.state = 'loading';
    load.begun = true;
    slot.worker?.postMessage(load.command);
  }

  function end(slot: Slot): void {
    slot.load?.end('The server is shutting down.');
    slot.state = 'closing';
    slot.worker?.postMessage({ kind: 'close' });
  }

  function onExit(slot: Slot, cause: unknown): void {
    const { load, state } = slot;
    const lost = slot.inHand.giveBackAll();
    slot.worker = undefined;
    slot.load = undefined;
    slot.state = 'dead';
    if (state === 'closing' || !started) return;
    logger.error({ worker: slot.index, cause: messageOf(cause) }, 'worker died');
    for (const batch of lost) batch.onLost();
    load?.end(load.begun ? 'A worker died while it loaded them.' : undefined);
    if (closing) return;
    const delay = Math.min(
      LONGEST_BACKOFF_MS,
      slot.failedStarts && FIRST_BACKOFF_MS * 2 ** slot.failedStarts,
    );
    slot.failedStarts++;
    const alive = slots.some((one) => one.state === 'serving' || one.state === 'loading');
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
        if (isIdle(slot)) beginLoad(slot, slot.load);
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
        if (isIdle(slot)) end(slot);
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

    idle: () => slots.filter((slot) => isIdle(slot) && isAccepting(slot)).length,
    accepting: () => slots.filter(isAccepting).length,

    run(batch) {
      const [slot] = slots
        .filter((one) => isAccepting(one) && (isIdle(one) || !batch.alone))
        .sort((a, b) => a.inHand.images() - b.inHand.images());
      invariant(slot?.worker, 'a batch is given only to a worker that accepts it');
      const { command } = batch;
      const { place, cancel } = slot.inHand.take(batch);
      slot.worker.postMessage({ ...command, place }, [command.pixels.buffer as ArrayBuffer]);
      return cancel;
    },

    load,
    close,
  };
}
