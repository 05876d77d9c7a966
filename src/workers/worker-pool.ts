// The pool of workers: gives them batches, and loads networks into one worker after another.
import type { Logger } from 'pino';
import { invariant, messageOf, PackageError, UsageError } from '../foundation/errors.js';
import type { StartTimer } from '../foundation/timers.js';
import type { Network } from '../network/network.js';
import type { Batch } from './batch.js';
import type { EngineInfo, LoadCommand, WorkerSetup } from './protocol.js';
import { createRestartingWorker } from './restarting-worker.js';
import type { StartThread } from './thread.js';

export interface WorkerPool {
  /**
   * Starts all workers. @returns the engine, and the networks that any worker refused, with the reason
   * @throws UsageError if a worker cannot start; the other workers are ended first
   */
  start(): Promise<{ engine: EngineInfo; refused: ReadonlyMap<string, string> }>;
  /** Number of workers without a batch that accept one. */
  idle(): number;
  /** Number of workers that accept a further batch, including idle ones. */
  accepting(): number;
  /** Whether any worker serves or is being started. false if the latest replacement of every worker failed. */
  hasWorkers(): boolean;
  /** Gives a batch to the worker with the fewest images. @returns a function that cancels one of the batch's images */
  run(batch: Batch): (image: number) => void;
  /**
   * Loads a network, or further segments of one, into one worker after another, so that the other workers continue to
   * serve. Call for one load at a time. @throws PackageError if a worker refuses it, or no worker is left to check it; all
   * workers then continue to serve what they served before
   */
  load(network: Network): Promise<void>;
  /** Releases a network, in each worker after its last batch for it. Submit no more images for it. */
  unload(id: string): void;
  /** Accepts no more batches, waits for the current ones to finish and ends the threads. */
  close(): Promise<void>;
}

export interface WorkerPoolOptions {
  readonly size: number;
  readonly maxBatch: number;
  /** Capacity of a worker's buffer, see worker-buffer.ts. */
  readonly concurrentBatches: number;
  readonly engine: WorkerSetup['engine'];
  readonly networks: readonly Network[];
  readonly startThread: StartThread;
  readonly startTimer: StartTimer;
  readonly logger: Logger;
  /** Called whenever a worker accepts a further batch. */
  readonly onAccepting: () => void;
  readonly onRestart: () => void;
  /** Called when a worker could not be replaced and no worker is left, see `hasWorkers`. */
  readonly onNoneLeft: () => void;
}

export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  /** The networks that a new worker loads. */
  let { networks } = options;
  const workers = Array.from({ length: options.size }, (_, index) =>
    createRestartingWorker({
      ...options,
      index,
      networks: () => networks,
      onRestartFailed: () => {
        if (!hasWorkers()) options.onNoneLeft();
      },
    }),
  );

  const hasWorkers = (): boolean => !workers.every((worker) => worker.isLost());

  async function start(): ReturnType<WorkerPool['start']> {
    const reports = await Promise.all(workers.map((worker) => worker.start())).catch(
      async (error: unknown) => {
        await close();
        const [reason] = messageOf(error).split('\n', 1); // Node appends the require stack
        throw new UsageError(`The engine cannot be started: ${reason}.`, { cause: error });
      },
    );
    const [first] = reports;
    invariant(first, 'a pool has at least one worker');
    const refused = new Map(
      reports.flatMap((one) => one.refused.map(({ id, reason }) => [id, reason] as const)),
    );
    networks = networks.filter(({ id }) => !refused.has(id));
    return { engine: first.engine, refused };
  }

  function run(batch: Batch): (image: number) => void {
    const [worker] = workers
      .filter((one) => one.isAccepting() && (one.isIdle() || !batch.alone))
      .sort((a, b) => a.images() - b.images());
    invariant(worker, 'a batch is given only to a worker that accepts it');
    return worker.run(batch);
  }

  async function load(network: Network): Promise<void> {
    const before = networks.find(({ id }) => id === network.id);
    replace(network.id, network);
    const command: LoadCommand = { kind: 'load', network };
    const refuse = (reason: string, isPassing = false): never => {
      replace(network.id, before);
      throw new PackageError(reason, { isPassing });
    };
    for (const worker of workers) {
      const refused = await worker.load(command);
      if (refused !== undefined) refuse(refused);
    }
    // An unchecked network could prevent every replacement from starting.
    if (!hasWorkers()) refuse('No worker is left that could check it.', true);
  }

  /** @param by undefined: removes the network */
  function replace(network: string, by: Network | undefined): void {
    networks = [...networks.filter(({ id }) => id !== network), ...(by ? [by] : [])];
    for (const worker of workers) worker.tidy();
  }

  async function close(): Promise<void> {
    await Promise.all(workers.map((worker) => worker.close()));
  }

  return {
    start,
    idle: () => workers.filter((worker) => worker.isIdle() && worker.isAccepting()).length,
    accepting: () => workers.filter((worker) => worker.isAccepting()).length,
    hasWorkers,
    run,
    load,
    unload: (id) => replace(id, undefined),
    close,
  };
}
