// The pool of workers by itself, for tests: over real threads, with batches made by hand.
import { pino } from 'pino';
import type { SegmentSource } from '../../../src/engines/engine.js';
import { startTimer } from '../../../src/foundation/timers.js';
import type { ExecutionPath } from '../../../src/network/execution-path.js';
import type { Network } from '../../../src/network/network.js';
import type { Batch } from '../../../src/workers/batch.js';
import type { Leaver, Progress } from '../../../src/workers/protocol.js';
import { startThread } from '../../../src/workers/thread.js';
import { createWorkerPool } from '../../../src/workers/worker-pool.js';
import { createDirector } from '../engines/directed-engine.js';
import { writeProfiledPackage } from '../packages/profiled-package.js';
import type { Scope } from '../scope.js';
import { temporaryFolder } from '../temporary-folder.js';

const MAX_BATCH = 4;

export interface PoolOptions {
  readonly size: number;
  /** Default: 1. */
  readonly concurrentBatches?: number;
  /** Segments to be loaded at the start. Default: all. */
  readonly wanted?: (segment: SegmentSource) => boolean;
}

/** A pool of workers over the test network, its engine under the test's direction; the largest batch is MAX_BATCH. */
export async function startPool(scope: Scope, options: PoolOptions) {
  const { size, concurrentBatches = 1, wanted = () => true } = options;
  const { package: tiny } = await writeProfiledPackage(temporaryFolder());
  const { manifest, segments, golden } = tiny;
  const network: Network = { id: 'tiny/1', manifest, segments, golden };
  const few = { ...network, segments: segments.filter(wanted) };
  const director = createDirector(scope);
  const calls = { accepting: 0, restarts: 0, noneLeft: 0 };
  const pool = createWorkerPool({
    size,
    maxBatch: MAX_BATCH,
    concurrentBatches,
    engine: { module: director.engineModule, options: {} },
    networks: [few],
    startThread,
    startTimer,
    logger: pino({ level: 'silent' }),
    onAccepting: () => calls.accepting++,
    onRestart: () => calls.restarts++,
    onNoneLeft: () => calls.noneLeft++,
  });
  const started = await pool.start();
  scope.after(() => pool.close());
  const warmUp = (await director.runs()).length;
  const runs = async () => (await director.runs()).slice(warmUp);
  return {
    pool,
    director,
    started,
    calls,
    runs,
    network,
    others: segments.filter((one) => !wanted(one)),
    /** Loads further segments. */
    more: (others: readonly SegmentSource[]) => pool.load({ ...few, segments: [...few.segments, ...others] }),
  };
}

/** Past every exit; two that agree may leave. */
export const path: ExecutionPath = [
  { from: -1, exit: 0, threshold: 2, flops: 1 },
  { from: 0, exit: 1, threshold: 2, flops: 2 },
  { from: 1, exit: 2, threshold: null, flops: 3 },
];

/** A batch, and what comes of it. @param way where it goes: past every exit unless another is given */
export function poolBatch(pixels: readonly Uint8Array[], { way = path, alone = false } = {}) {
  const progress: Progress[] = [];
  let end: (how: string) => void = () => {};
  const ended = new Promise<string>((resolve) => {
    end = resolve;
  });
  const batch: Batch = {
    alone,
    command: {
      kind: 'run',
      network: 'tiny/1',
      policy: 'patience',
      path: way,
      images: new Uint8Array(Buffer.concat(pixels)), // of its own memory: it is transferred
      deadlines: pixels.map(() => Number.POSITIVE_INFINITY),
      topK: pixels.map(() => 1),
    },
    onProgress: (one) => progress.push(one),
    onDone: () => end('done'),
    onFailed: (reason) => end(`failed: ${reason}`),
    onLost: () => end('lost'),
  };
  const leavers = (): Leaver[] => progress.flatMap((one) => one.leavers);
  return { batch, ended, leavers };
}
