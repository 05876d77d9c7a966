// The simulated system: the real dispatcher and the real pool with simulated threads.
import { pino } from 'pino';
import type { Network } from '../../../src/network/network.js';
import { createDispatcher } from '../../../src/workers/dispatcher.js';
import { createWorkerPool } from '../../../src/workers/worker-pool.js';
import type { Chance } from './chance.js';
import type { Faults } from './faults.js';
import { type SimulatedThread, startSimulatedThread } from './thread.js';
import type { VirtualTime } from './virtual-time.js';
import { type WatchedRequest, watchWorkers } from './watched-workers.js';

const SECONDS_PER_IMAGE = 0.002;
const silent = pino({ level: 'silent' });

export interface SystemOptions {
  readonly time: VirtualTime;
  readonly chance: Chance;
  readonly faults: Faults;
  readonly network: Network;
  /** All requests so far, in the order of their submission. */
  readonly requests: readonly WatchedRequest[];
  readonly onFault: (error: unknown) => void;
}

export type System = ReturnType<typeof createSystem>;

export function createSystem({ time, chance, faults, network, requests, onFault }: SystemOptions) {
  const maxBatch = chance.whole(1, 8);
  const size = chance.whole(1, 3);
  const threads: SimulatedThread[] = [];
  /** Images that were in a call for which the engine threw. */
  const thrownWith = new Set<number>();

  function addThread(thread: SimulatedThread): SimulatedThread {
    threads.push(thread);
    return thread;
  }

  const dispatcher = createDispatcher({
    maxBatch,
    eager: chance.happens(0.5),
    backgroundShare: chance.oneOf([0, 0.1, 0.5]),
    now: time.now,
    startTimer: time.startTimer,
    afterTurn: (callback) => void time.after(0, callback),
    onSegment: () => {},
    createWorkers(events) {
      const pool = createWorkerPool({
        ...events,
        size,
        maxBatch,
        concurrentBatches: chance.whole(1, 3),
        engine: { module: 'simulated', options: {} },
        networks: [network],
        startTimer: time.startTimer,
        logger: silent,
        onRestart: () => {},
        startThread: (setup) =>
          addThread(
            startSimulatedThread(setup, {
              ...faults,
              time,
              chance,
              secondsPerImage: SECONDS_PER_IMAGE,
              onThrow(ids) {
                for (const id of ids) thrownWith.add(id);
              },
              onFault,
              refuses: () => chance.happens(faults.refusal),
              isStillborn: threads.length >= size && chance.happens(faults.stillborn),
            }),
          ),
      });
      return watchWorkers(pool, { maxBatch, now: time.now, requests });
    },
  });
  return { ...dispatcher, threads, thrownWith, deaths: () => threads.filter((one) => one.isDead()).length };
}
