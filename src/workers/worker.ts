// A worker thread: one engine with one set of sessions. It runs the batches in hand down the cascade, together where they
// need the same segment, and reports each image the moment it leaves.
import { setImmediate } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { beginDescent, type Descent, descend } from '../cascade/cascade.js';
import { createImageTensor } from '../cascade/image-tensor.js';
import { createSegmentQueue } from '../cascade/segment-queue.js';
import { loadSegments, segmentKey } from '../cascade/self-check.js';
import type { EngineModule, Segment } from '../engines/engine.js';
import { monotonicSeconds } from '../foundation/clock.js';
import { invariant, messageOf, PackageError } from '../foundation/errors.js';
import type { Network } from '../network/network.js';
import type { Command, LoadCommand, RankedClass, Report, WorkerSetup } from './protocol.js';

type LoadedNetwork = Network & {
  readonly loaded: ReadonlyMap<string, Segment>;
  readonly toTensor: (pixels: Uint8Array) => Float32Array;
};

type Batch = Descent & { readonly command: Extract<Command, { kind: 'run' }> };

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
    const reason = reasonOf(error);
    if (setup.needsAll) throw new Error(`${network.id}: ${reason}`);
    refused.push({ id: network.id, reason });
  }
}
const queue = createSegmentQueue<Batch>(setup.maxBatch);
let isRunning = false;
port.on('message', (command: Command) => {
  switch (command.kind) {
    case 'run':
      enter(command);
      if (!isRunning) void runAll();
      return;
    case 'load':
      return void load(command);
    case 'close':
      return void close();
  }
});
report({ kind: 'ready', engine: { name: engine.name, device: engine.device }, refused });

function enter(command: Batch['command']): void {
  const { place } = command;
  try {
    const network = networks.get(command.network);
    invariant(network, `a worker was asked for ${command.network}`);
    const descent = beginDescent({
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
      isCancelled: (image) => Atomics.load(cancelled, place * setup.maxBatch + image) !== 0,
      now: monotonicSeconds,
    });
    queue.add({ ...descent, command });
  } catch (error) {
    report({ kind: 'failed', places: [place], reason: messageOf(error) });
  }
}

/** Runs what waits, one engine call after another, until nothing does. */
async function runAll(): Promise<void> {
  isRunning = true;
  for (;;) {
    // An engine may block the thread until its call ends: a turn of the event loop takes in what has come meanwhile.
    await setImmediate();
    for (const { command } of queue.dropCancelled()) report({ kind: 'done', place: command.place });
    const together = queue.take();
    if (together.length === 0) break;
    await run(together);
  }
  isRunning = false;
}

async function run(together: readonly Batch[]): Promise<void> {
  try {
    const { run, departures } = await descend(together);
    const parts = together.map((batch, index) => {
      const { place, topK } = batch.command;
      const leavers = (departures[index] ?? []).map(({ image, step, reason, score, probabilities }) => {
        return { image, step, reason, score, top: rank(probabilities, topK[image] ?? 1) };
      });
      return { place, leavers, done: batch.staying.length === 0 };
    });
    report({ kind: 'progress', run, parts });
    for (const batch of together) if (batch.staying.length > 0) queue.add(batch);
  } catch (error) {
    const places = together.map(({ command }) => command.place);
    report({ kind: 'failed', places, reason: messageOf(error) });
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
