// The loop of a worker. It runs its batches through the cascade, together if they need the same segment, and reports
// each image as soon as it leaves.
import { beginDescent, type Departure, type Descent, descend } from '../cascade/cascade.js';
import type { Visit } from '../cascade/explain.js';
import { createImageTensor, type ImageValues } from '../cascade/image-tensor.js';
import { createSegmentQueue } from '../cascade/segment-queue.js';
import { loadSegments, segmentKey } from '../cascade/self-check.js';
import type { Engine, Segment } from '../engines/engine.js';
import type { Clock } from '../foundation/clock.js';
import { invariant, messageOf, PackageError } from '../foundation/errors.js';
import type { Network } from '../network/network.js';
import { argmax } from '../policies/probabilities.js';
import type {
  Command,
  Leaver,
  LoadCommand,
  RankedClass,
  RankedVisit,
  Report,
  WorkerSetup,
} from './protocol.js';

export interface WorkerLoopOptions {
  readonly engine: Engine;
  readonly setup: Omit<WorkerSetup, 'engine'>;
  /** Sends a message to the main thread. */
  readonly report: (message: Report) => void;
  /** Lets the thread receive commands that have arrived; awaited before every engine call. */
  readonly takeTurn: () => Promise<unknown>;
  /** Called after a close command, when all segments are released. */
  readonly end: () => void;
  readonly now: Clock;
}

type LoadedNetwork = Network & {
  readonly loaded: ReadonlyMap<string, Segment>;
  readonly toTensor: (images: ImageValues) => Float32Array;
};

type LoadedBatch = Descent & { readonly command: Extract<Command, { kind: 'run' }> };

/**
 * Loads the networks and reports `ready`.
 * @returns the handler of the main thread's commands
 * @throws Error if a network is refused although all are needed
 */
export async function startWorkerLoop(options: WorkerLoopOptions): Promise<(command: Command) => void> {
  const { engine, setup, report, now } = options;
  const { networks, refused } = await loadNetworks(engine, setup);
  const cancelled = new Int32Array(setup.cancelled);
  const queue = createSegmentQueue<LoadedBatch>(setup.maxBatch);
  let isRunning = false;

  function enter(command: LoadedBatch['command']): void {
    const { place } = command;
    try {
      const network = networks.get(command.network);
      invariant(network, `a worker was asked for ${command.network}`);
      const descent = beginDescent({
        path: command.path,
        segmentOf: (step) => segmentOf(network, step.from, step.exit),
        policy: command.policy,
        finalExit: network.manifest.exits.length - 1,
        images: network.toTensor(command.images),
        batch: command.deadlines.length,
        deadlineOf: (image) => command.deadlines[image] ?? Number.POSITIVE_INFINITY,
        explain: command.explain,
        isCancelled: (image) => Atomics.load(cancelled, place * setup.maxBatch + image) !== 0,
        now,
      });
      queue.add({ ...descent, command });
    } catch (error) {
      report({ kind: 'failed', places: [place], reason: messageOf(error) });
    }
  }

  /** Runs one engine call after another until no batch waits. */
  async function runAll(): Promise<void> {
    isRunning = true;
    for (;;) {
      await options.takeTurn();
      for (const { command } of queue.dropCancelled()) report({ kind: 'done', place: command.place });
      const together = queue.take();
      if (together.length === 0) break;
      const outcome = await run(together);
      report(outcome);
      if (outcome.kind !== 'progress') continue;
      for (const batch of together) if (batch.staying.length > 0) queue.add(batch);
    }
    isRunning = false;
  }

  async function load({ network }: LoadCommand): Promise<void> {
    let refused: string | undefined;
    try {
      networks.set(network.id, await loadNetwork(engine, network, networks.get(network.id)));
    } catch (error) {
      refused = reasonOf(engine, error);
    }
    report({ kind: 'loaded', refused });
  }

  async function unload(id: string): Promise<void> {
    const segments = [...(networks.get(id)?.loaded.values() ?? [])];
    networks.delete(id);
    await Promise.all(segments.map((segment) => segment.release()));
  }

  async function close(): Promise<void> {
    for (const id of [...networks.keys()]) await unload(id);
    options.end();
  }

  report({ kind: 'ready', engine: { name: engine.name, device: engine.device }, refused });
  return (command) => {
    switch (command.kind) {
      case 'run':
        enter(command);
        if (!isRunning) void runAll();
        return;
      case 'load':
        return void load(command);
      case 'unload':
        return void unload(command.network);
      case 'close':
        return void close();
    }
  };
}

async function loadNetworks(engine: Engine, { networks, needsAll }: WorkerLoopOptions['setup']) {
  const loaded = new Map<string, LoadedNetwork>();
  const refused: { id: string; reason: string }[] = [];
  for (const network of networks) {
    try {
      loaded.set(network.id, await loadNetwork(engine, network));
    } catch (error) {
      const reason = reasonOf(engine, error);
      if (needsAll) throw new Error(`${network.id}: ${reason}`);
      refused.push({ id: network.id, reason });
    }
  }
  return { networks: loaded, refused };
}

/** @param known the same network with fewer segments, which are kept */
async function loadNetwork(engine: Engine, network: Network, known?: LoadedNetwork): Promise<LoadedNetwork> {
  return {
    ...network,
    loaded: await loadSegments(engine, network, known?.loaded),
    toTensor: createImageTensor(network.manifest.input, engine.imageLayout),
  };
}

function segmentOf({ id, loaded }: LoadedNetwork, from: number, to: number): Segment {
  const segment = loaded.get(segmentKey(from, to));
  invariant(segment, `segment ${segmentKey(from, to)} of ${id} is not loaded`);
  return segment;
}

/** One engine call for batches that need the same segment. @returns the report */
async function run(together: readonly LoadedBatch[]): Promise<Report> {
  try {
    const { run, departures } = await descend(together);
    const parts = together.map((batch, index) => {
      const { place, topK } = batch.command;
      const leavers = (departures[index] ?? []).map((departure) =>
        leaverOf(departure, topK[departure.image] ?? 1),
      );
      return { place, leavers, done: batch.staying.length === 0 };
    });
    return { kind: 'progress', run, parts };
  } catch (error) {
    const places = together.map(({ command }) => command.place);
    return { kind: 'failed', places, reason: messageOf(error) };
  }
}

function leaverOf({ probabilities, visits, ...departure }: Departure, topK: number): Leaver {
  const leaver = { ...departure, top: rank(probabilities, topK) };
  return visits ? { ...leaver, visits: visits.map((visit) => rankedVisit(visit, topK)) } : leaver;
}

function rankedVisit({ probabilities, ...visit }: Visit, topK: number): RankedVisit {
  return { ...visit, top: rank(probabilities, topK) };
}

function reasonOf(engine: Engine, error: unknown): string {
  return error instanceof PackageError
    ? error.message
    : `The ${engine.name} engine cannot load it: ${messageOf(error)}.`;
}

/** The `count` most probable classes, best first. */
function rank(probabilities: Float32Array, count: number): RankedClass[] {
  const probabilityOf = (classIndex: number): number => probabilities[classIndex] as number;
  // Most requests want one class, and sorting a thousand takes longer than a small network's engine call.
  const best =
    count === 1
      ? [argmax(probabilities)]
      : [...probabilities.keys()].sort((a, b) => probabilityOf(b) - probabilityOf(a)).slice(0, count);
  return best.map((classIndex) => ({ classIndex, probability: probabilityOf(classIndex) }));
}
