// A worker thread: one engine with one set of sessions. It runs a batch at a time, down the cascade,
// and reports each image the moment it leaves.
import { parentPort, workerData } from 'node:worker_threads';
import { monotonicSeconds } from '../clock.js';
import type { EngineModule, Segment } from '../engines/engine.js';
import { invariant, messageOf, PackageError } from '../errors.js';
import { runCascade } from './cascade.js';
import { createImageTensor } from './image-tensor.js';
import type {
  Command,
  LoadCommand,
  Network,
  RankedClass,
  Report,
  RunCommand,
  WorkerSetup,
} from './protocol.js';
import { loadSegments, segmentKey } from './self-check.js';

type LoadedNetwork = Network & {
  readonly loaded: ReadonlyMap<string, Segment>;
  readonly toTensor: (pixels: Uint8Array) => Float32Array;
};

invariant(parentPort, 'worker.ts runs as a worker thread');
const port = parentPort;
const setup = workerData as WorkerSetup;
const cancelled = new Int32Array(setup.cancelled);
const networks = new Map<string, LoadedNetwork>();

const report = (message: Report): void => port.postMessage(message);

const { createEngine } = (await import(setup.engine.module)) as EngineModule;
const engine = await createEngine(setup.engine.options);
const refused: { id: string; reason: string }[] = [];
for (const network of setup.networks) {
  try {
    const loaded = await loadSegments(engine, network);
    const toTensor = createImageTensor(network.manifest.input, engine.imageLayout);
    networks.set(network.id, { ...network, loaded, toTensor });
  } catch (error) {
    refused.push({ id: network.id, reason: reasonOf(error) });
  }
}
// Commands are taken one after another: a batch is finished before the next, or the end, begins.
let turn = Promise.resolve();
port.on('message', (command: Command) => {
  turn = turn.then(() => {
    switch (command.kind) {
      case 'run':
        return run(command);
      case 'load':
        return load(command);
      case 'close':
        return close();
    }
  });
});
report({ kind: 'ready', engine: { name: engine.name, device: engine.device }, refused });

async function run(command: RunCommand): Promise<void> {
  try {
    const network = networks.get(command.network);
    invariant(network, `a worker was asked for ${command.network}`);
    const cascade = runCascade({
      path: command.path,
      segmentOf: (step) => {
        const segment = network.loaded.get(segmentKey(step.from, step.exit));
        invariant(segment, `segment ${segmentKey(step.from, step.exit)} of ${network.id} is not loaded`);
        return segment;
      },
      policy: command.policy,
      finalExit: network.manifest.exits.length - 1,
      images: network.toTensor(command.pixels),
      batch: command.deadlines.length,
      deadlineOf: (image) => command.deadlines[image] ?? Number.POSITIVE_INFINITY,
      isCancelled: (image) => Atomics.load(cancelled, image) !== 0,
      now: monotonicSeconds,
    });
    let done = false;
    for await (const { run, departures, staying } of cascade) {
      const leavers = departures.map(({ probabilities, ...departure }) => ({
        ...departure,
        top: rank(probabilities, command.topK[departure.image] ?? 1),
      }));
      done = staying === 0;
      report({ kind: 'progress', run, leavers, done });
    }
    if (!done) report({ kind: 'done' });
  } catch (error) {
    report({ kind: 'failed', reason: messageOf(error) });
  }
}

async function load(command: LoadCommand): Promise<void> {
  let refused: string | undefined;
  try {
    const network = networks.get(command.network);
    invariant(network, `a worker was asked to load more of ${command.network}`);
    const segments = new Map(
      [...network.segments, ...command.segments].map((one) => [segmentKey(one.from, one.to), one]),
    );
    const whole = { ...network, segments: [...segments.values()] };
    networks.set(network.id, { ...whole, loaded: await loadSegments(engine, whole, network.loaded) });
  } catch (error) {
    refused = reasonOf(error);
  }
  report({ kind: 'loaded', refused });
}

async function close(): Promise<void> {
  for (const network of networks.values()) {
    await Promise.all([...network.loaded.values()].map((segment) => segment.release()));
  }
  port.close();
}

function reasonOf(error: unknown): string {
  return error instanceof PackageError
    ? error.message
    : `The ${engine.name} engine cannot load it: ${messageOf(error)}.`;
}

/** The `count` most probable classes, best first. */
function rank(probabilities: Float32Array, count: number): RankedClass[] {
  return Array.from(probabilities, (probability, classIndex) => ({ classIndex, probability }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, count);
}
