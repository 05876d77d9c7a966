// A worker thread in virtual time: the real loop with a simulated engine. Messages are delayed and keep their order.
// When the thread dies, its undelivered messages are lost from a random point on.
import type { SegmentSource } from '../../../src/engines/engine.js';
import { invariant, messageOf } from '../../../src/foundation/errors.js';
import type { Command, Report, WorkerSetup } from '../../../src/workers/protocol.js';
import type { WorkerThread } from '../../../src/workers/thread.js';
import { startWorkerLoop } from '../../../src/workers/worker-loop.js';
import type { Chance } from './chance.js';
import { watchFairness } from './fairness.js';
import { createSimulatedEngine, isGolden } from './network.js';
import type { VirtualTime } from './virtual-time.js';

export interface SimulatedThreadOptions {
  readonly time: VirtualTime;
  readonly chance: Chance;
  /** Duration of an engine call, per image. */
  readonly secondsPerImage: number;
  /** Images that kill their thread, and images for which the engine throws. */
  readonly isDeadly: (id: number) => boolean;
  readonly isThrowing: (id: number) => boolean;
  /** Called with all images of a call for which the engine throws; all of them fail. */
  readonly onThrow: (ids: readonly number[]) => void;
  readonly refuses: () => boolean;
  /** Called with errors that must not happen in a thread. */
  readonly onFault: (error: unknown) => void;
  /** Whether this thread dies before it is ready. */
  readonly isStillborn: boolean;
}

type Listeners = {
  message?: (report: Report) => void;
  error?: (error: unknown) => void;
  exit: ((code: number) => void)[];
};

export interface SimulatedThread extends WorkerThread {
  die(cause: string): void;
  isDead(): boolean;
  /** Numbers of the releases of which it has segments. */
  releases(): string[];
}

export function startSimulatedThread(setup: WorkerSetup, options: SimulatedThreadOptions): SimulatedThread {
  const { time, chance } = options;
  const listeners: Listeners = { exit: [] };
  const fairness = watchFairness();
  const held = new Set<SegmentSource>();
  let isDead = false;
  let receive: ((command: Command) => void) | undefined;
  /** Reports that are not delivered yet. */
  const underway: { cancel(): void }[] = [];
  const [toMain, toThread] = [orderedDelivery(time, chance), orderedDelivery(time, chance)];

  function report(message: Report): void {
    if (isDead) return;
    try {
      fairness.reported(message);
    } catch (error) {
      options.onFault(error);
    }
    underway.push(
      toMain(() => {
        underway.shift();
        listeners.message?.(message);
      }),
    );
  }

  function exit(code: number, cause?: string): void {
    if (isDead) return;
    isDead = true;
    if (cause !== undefined) {
      // The latest reports may be lost: from a random report on, all of them.
      for (const delivery of underway.slice(chance.whole(0, underway.length))) delivery.cancel();
      toMain(() => listeners.error?.(new Error(cause)));
    }
    toMain(() => {
      for (const listener of listeners.exit) listener(code);
    });
  }

  async function call(ids: readonly number[]): Promise<void> {
    const requests = ids.filter((id) => !isGolden(id));
    // The self-check is part of the loading time of segments.
    if (requests.length === 0) return;
    await time.sleep(options.secondsPerImage * ids.length * chance.between(0.5, 1.5));
    if (requests.some(options.isDeadly)) exit(1, 'a deadly image');
    if (isDead) return new Promise(() => {});
    if (requests.some(options.isThrowing)) {
      options.onThrow(requests);
      throw new Error('an image for which the engine throws');
    }
  }

  async function run(): Promise<void> {
    await time.sleep(chance.between(0.01, 0.1));
    if (options.isStillborn) return exit(1, 'stillborn');
    receive = await startWorkerLoop({
      engine: createSimulatedEngine({
        call,
        refuses: () => receive !== undefined && options.refuses(),
        held,
      }),
      setup,
      report,
      takeTurn: () => (isDead ? new Promise(() => {}) : time.sleep(0)),
      end: () => exit(0),
      now: time.now,
    });
  }
  run().catch((error: unknown) => exit(1, messageOf(error)));

  return {
    postMessage(command) {
      toThread(() => {
        if (isDead) return;
        invariant(receive, 'nothing is sent to a thread that is not ready');
        fairness.received(command);
        receive(command);
      });
    },
    on(event: 'message' | 'error' | 'exit', listener: (value: never) => void) {
      if (event === 'exit') listeners.exit.push(listener as (code: number) => void);
      else Object.assign(listeners, { [event]: listener });
    },
    die: (cause) => exit(1, cause),
    isDead: () => isDead,
    releases: () => [...new Set([...held].map(({ input }) => input))],
  };
}

/** Delivers each message after a random delay, in the order of sending. */
function orderedDelivery(time: VirtualTime, chance: Chance) {
  let last = 0;
  return (deliver: () => void) => {
    last = Math.max(last, time.now() + chance.between(0, 50e-6));
    return time.after(last - time.now(), deliver);
  };
}
