// Clients, and a dispatcher with workers that take time for each FLOP, in virtual time.
import type { ExecutionPath } from '../../../src/network/execution-path.js';
import type { Network } from '../../../src/network/network.js';
import type { Batch } from '../../../src/workers/batch.js';
import { createDispatcher } from '../../../src/workers/dispatcher.js';
import type { Chance } from '../simulation/chance.js';
import { createVirtualTime } from '../simulation/virtual-time.js';

export const SECONDS_PER_FLOP = 1e-3;
export const STEP_FLOPS = 5;
/** Of an image that runs to the last step. */
export const MOST_FLOPS = 3 * STEP_FLOPS;

export const network = { id: 'm/1' } as Network;
const stepsOf = (): ExecutionPath =>
  [1, 2, 3].map((step) => ({
    from: step - 2,
    exit: step - 1,
    threshold: null,
    flops: step * STEP_FLOPS,
  })) as unknown as ExecutionPath;
/** Jobs on different paths share no batch. */
export const paths = [stepsOf(), stepsOf()] as const;

export interface TestClient {
  weight: number;
  readonly expectedFlops: number;
  /** Requests that it keeps in progress while it is greedy. */
  readonly connections: number;
  readonly path: ExecutionPath;
  readonly isSlow?: boolean;
  /** FLOPs that its images have cost, as it was told. */
  executed: number;
  inProgress: number;
  /** The longest wait of one of its images, in FLOPs that all clients got meanwhile. */
  longestWait: number;
  /** When its images were answered. */
  readonly answeredAt: number[];
}

export function createWorld(chance: Chance, workers: number, maxBatch: number) {
  const time = createVirtualTime();
  let idle = workers;
  let total = 0;
  let accept = (): void => {};
  const dispatcher = createDispatcher({
    maxBatch,
    eager: false,
    backgroundShare: 0,
    now: time.now,
    startTimer: time.startTimer,
    afterTurn: (callback) => void time.after(0, callback),
    onSegment() {},
    createWorkers({ onAccepting }) {
      accept = onAccepting;
      return { idle: () => idle, accepting: () => idle, hasWorkers: () => true, run };
    },
  });

  function run(batch: Batch): () => void {
    idle--;
    void work(batch);
    return () => {};
  }

  /** One call for each step. Some images leave after each. */
  async function work(batch: Batch): Promise<void> {
    let staying = [...batch.command.deadlines.keys()];
    for (let step = 0; staying.length > 0; step++) {
      const started = time.now();
      const seconds = staying.length * STEP_FLOPS * SECONDS_PER_FLOP;
      await time.sleep(seconds);
      const isLast = step === batch.command.path.length - 1;
      const leaving = staying.filter(() => isLast || chance.happens(0.5));
      const run = { exit: step, batch: staying.length, started, seconds };
      staying = staying.filter((image) => !leaving.includes(image));
      const leavers = leaving.map((image) => ({ image, step, reason: 'final' as const, score: 0, top: [] }));
      batch.onProgress({ run, leavers });
    }
    batch.onDone();
    idle++;
    accept();
  }

  async function send(client: TestClient): Promise<void> {
    client.inProgress++;
    const before = total;
    await dispatcher.submit({
      network,
      policy: 'entropy',
      path: client.path,
      image: Uint8Array.of(0),
      topK: 1,
      deadline: Number.POSITIVE_INFINITY,
      signal: undefined,
      account: {
        flow: client,
        expectedFlops: client.expectedFlops,
        settle(flops) {
          client.executed += flops;
          total += flops;
        },
      },
    });
    client.longestWait = Math.max(client.longestWait, total - before);
    client.answeredAt.push(time.now());
    client.inProgress--;
  }

  async function beGreedy(client: TestClient, until: number): Promise<void> {
    while (time.now() < until) await send(client);
  }

  return { time, send, beGreedy, total: () => total, dispatcher };
}
