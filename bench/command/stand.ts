// The test stand for one model: engine threads in this process, a server in a second and a load client in a third one.
// The images are the package's golden inputs, so that no data set is needed.
import { chooseEngine } from '../../src/engines/choose.js';
import type { EngineDemand } from '../../src/engines/engine-names.js';
import { networkOf } from '../../src/network/network.js';
import type { ModelPackage } from '../../src/packages/package.js';
import { encodeGolden } from '../load/golden-images.js';
import { type Latency, probeLatency } from '../load/latency-probe.js';
import { type LoadResult, startLoadClient } from '../load/load.js';
import { type ServerCosts, serverCosts } from '../load/server-costs.js';
import { startServer } from '../load/server-process.js';
import { type RawMeasurement, startRawEngine } from './raw-engine.js';

export interface RawConfiguration {
  readonly workers: number;
  readonly batch: number;
}

export interface HttpRound {
  readonly load: LoadResult;
  readonly costs: ServerCosts;
  /** Requests answered with 200. */
  readonly answered: number;
  /** Requests not answered with 200. */
  readonly failed: number;
}

export interface Stand {
  /** Combinations of one worker or all workers with single images or batches. */
  readonly rawConfigurations: readonly RawConfiguration[];
  runRaw(profile: string, configuration: RawConfiguration): Promise<RawMeasurement>;
  runHttp(profile: string): Promise<HttpRound>;
  runIdle(profile: string): Promise<Latency>;
  close(): Promise<void>;
}

export interface StandOptions {
  readonly models: string;
  readonly model: ModelPackage;
  readonly engine: EngineDemand['engine'];
  readonly workers: number;
  readonly connections: number;
  /** Duration of each measurement. */
  readonly seconds: number;
}

const RAW_BATCH = 8;

/** Length of the load before the first measurement, in measurements. The server's code is optimized during it. */
const WARM_UP_ROUNDS = 4;

export async function createStand(options: StandOptions): Promise<Stand> {
  const { models, model, connections, seconds } = options;
  const { name, version } = model.manifest;
  const images = await encodeGolden(model);
  const { module, options: demands, workers } = await chooseEngine({ ...options, device: 'auto' });
  const engine = await startRawEngine(
    { engine: { module, options: demands }, network: networkOf(model), profiles: model.profiles },
    workers,
  );
  // The certificate does not cover golden images, so audits of them would end in an alarm.
  const settings = {
    models,
    defaultModel: name,
    engine: options.engine,
    workers: options.workers,
    auditFraction: 0,
  };
  const server = await startServer(settings).catch(async (error) => {
    await engine.close();
    throw error;
  });
  const urlOf = (profile: string): string =>
    `${server.url}/classify?${new URLSearchParams({ model: name, version, profile })}`;

  const client = startLoadClient();
  const load = (profile: string, rounds: number) =>
    client.apply({
      url: urlOf(profile),
      images: images.map((image) => image.toString('base64')),
      connections,
      extent: { seconds: rounds * seconds },
    });
  await load(model.defaultProfile, WARM_UP_ROUNDS);

  return {
    rawConfigurations: [...new Set([1, workers])].flatMap((count) =>
      [1, RAW_BATCH].map((batch) => ({ workers: count, batch })),
    ),
    runRaw: (profile, { workers: count, batch }) => engine.measure({ profile, batch, seconds }, count),
    async runHttp(profile) {
      const before = await server.metrics();
      const measured = await load(profile, 1);
      const costs = serverCosts(before, await server.metrics());
      const answered = measured.statuses['200'] ?? 0;
      return { load: measured, costs, answered, failed: measured.sent - answered };
    },
    runIdle: (profile) => probeLatency(urlOf(profile), images, seconds),
    async close() {
      client.close();
      await engine.close();
      await server.stop();
    },
  };
}
