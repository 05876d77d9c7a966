// A worker thread that only calls the engine, with the same segments as the service. The engine calls of a profile and
// their tensors are recorded once from the cascade and then replayed, so that nothing else is timed.
import { parentPort, workerData } from 'node:worker_threads';
import { runCascade } from '../../src/cascade/cascade.js';
import { createImageTensor } from '../../src/cascade/image-tensor.js';
import { loadSegments, segmentKey } from '../../src/cascade/self-check.js';
import type { EngineModule, Segment } from '../../src/engines/engine.js';
import type { Profile } from '../../src/format/profiles.js';
import { monotonicSeconds } from '../../src/foundation/clock.js';
import { invariant } from '../../src/foundation/errors.js';
import { median, quantile } from '../../src/foundation/quantile.js';
import { buildPath } from '../../src/network/execution-path.js';
import type { Network } from '../../src/network/network.js';
import type { WorkerSetup } from '../../src/workers/protocol.js';

export interface RawSetup {
  readonly engine: WorkerSetup['engine'];
  readonly network: Network;
  readonly profiles: ReadonlyMap<string, Profile>;
}

export interface RawCommand {
  readonly profile: string;
  /** Images in one pass. */
  readonly batch: number;
  readonly seconds: number;
}

export interface RawReport {
  readonly images: number;
  readonly imagesPerSecond: number;
  /** Time of a pass: all engine calls for one batch. */
  readonly medianSeconds: number;
  readonly p99Seconds: number;
}

interface EngineCall {
  readonly segment: Segment;
  readonly rows: Float32Array;
  readonly batch: number;
}

invariant(parentPort, 'raw-worker.ts runs as a worker thread');
const port = parentPort;
const { engine: setup, network, profiles } = workerData as RawSetup;
const { createEngine } = (await import(setup.module)) as EngineModule;
const engine = await createEngine(setup.options);
const segments = await loadSegments(engine, network);
port.on('message', async (command: RawCommand | 'close') => {
  if (command !== 'close') {
    port.postMessage(await replay(command));
    return;
  }
  await Promise.all([...segments.values()].map((segment) => segment.release()));
  port.close();
});
port.postMessage({ name: engine.name, device: engine.device });

async function replay({ profile, batch, seconds }: RawCommand): Promise<RawReport> {
  const passes = await record(profile, batch);
  const durations: number[] = [];
  const started = monotonicSeconds();
  let now = started;
  for (let pass = 0; now - started < seconds; pass = (pass + 1) % passes.length) {
    const before = now;
    for (const { segment, rows, batch: images } of passes[pass] as EngineCall[]) {
      await segment.run(rows, images);
    }
    now = monotonicSeconds();
    durations.push(now - before);
  }
  const images = durations.length * batch;
  return {
    images,
    imagesPerSecond: images / (now - started),
    medianSeconds: median(durations),
    p99Seconds: quantile(durations, 0.99),
  };
}

/** The engine calls of each batch of golden images. The images are repeated to fill the last batch. */
async function record(profileName: string, batch: number): Promise<EngineCall[][]> {
  const { manifest, golden } = network;
  const profile = profiles.get(profileName);
  invariant(profile, `${network.id} has no profile ${profileName}`);
  const images = golden.cases.map(({ pixels }) => Buffer.from(pixels, 'base64'));
  const toTensor = createImageTensor(manifest.input, engine.imageLayout);
  const passes: EngineCall[][] = [];
  for (let first = 0; first < images.length; first += batch) {
    const chosen = Array.from({ length: batch }, (_, i) => images[(first + i) % images.length] as Buffer);
    const calls: EngineCall[] = [];
    const cascade = runCascade({
      path: buildPath(manifest.exits, profile),
      segmentOf: ({ from, exit }) => recording(segments.get(segmentKey(from, exit)), calls),
      policy: profile.policy,
      finalExit: manifest.exits.length - 1,
      images: toTensor(Buffer.concat(chosen)),
      batch,
      deadlineOf: () => Number.POSITIVE_INFINITY,
      isCancelled: () => false,
      now: monotonicSeconds,
    });
    for await (const _ of cascade);
    passes.push(calls);
  }
  return passes;
}

function recording(segment: Segment | undefined, calls: EngineCall[]): Segment {
  invariant(segment, 'every segment of every path is loaded');
  return {
    run(rows, batch) {
      calls.push({ segment, rows, batch });
      return segment.run(rows, batch);
    },
    release: () => segment.release(),
  };
}
