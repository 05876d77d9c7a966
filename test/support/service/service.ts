// A real service for tests: packages in a temporary folder, workers, and HTTP on a free port.
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { createApiKeys } from '../../../src/access/api-keys.js';
import type { KeysFollower } from '../../../src/access/follow-keys-file.js';
import { readKeysFile } from '../../../src/access/keys-file.js';
import { createConfig } from '../../../src/config/config.js';
import type { Config } from '../../../src/config/settings.js';
import type { BufferOptions } from '../../../src/engines/choose.js';
import { monotonicSeconds } from '../../../src/foundation/clock.js';
import { startTimer } from '../../../src/foundation/timers.js';
import { type App, buildApp } from '../../../src/http/app.js';
import { createBytesInFlight } from '../../../src/http/bodies/bytes-in-flight.js';
import { createGrpcServer, type GrpcServer } from '../../../src/http/grpc/server.js';
import type { Classifier } from '../../../src/serving/classifier.js';
import { startService } from '../../../src/serving/service.js';
import { createLogger } from '../../../src/telemetry/logging.js';
import { createTracing, tracesEndpoint } from '../../../src/telemetry/tracing.js';
import { type TestPackage, writeProfiledPackage } from '../packages/profiled-package.js';
import type { Scope } from '../scope.js';
import { temporaryFolder } from '../temporary-folder.js';
import { type Samples, scrape } from './exposition.js';

export interface ServiceOptions {
  readonly config?: Partial<Config>;
  /** URL of the engine's module; without it, the service's own. */
  readonly engineModule?: string;
  /** Of a worker of that engine; without it, as the ONNX engine's. */
  readonly buffer?: BufferOptions;
  /** Fills the models folder; without it, with the one package of `writeProfiledPackage`. */
  readonly writePackages?: (directory: string) => Promise<unknown>;
}

export interface TestService {
  readonly app: App;
  readonly classifier: Classifier;
  /** undefined: the service has no API keys. */
  readonly apiKeys: KeysFollower | undefined;
  readonly config: Config;
  /** Without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** With the setting `grpc`. */
  readonly grpcUrl: string;
  readonly grpc: GrpcServer | undefined;
  /** What was logged. */
  readonly log: readonly Record<string, unknown>[];
  /** What GET /metrics says at this moment. */
  samples(): Promise<Samples>;
  /** How many are open. */
  connections(): Promise<number>;
  /** For /readyz: the process is about to end. */
  drain(): void;
}

/** A models folder with the package of `writeProfiledPackage`. */
export async function temporaryModels(): Promise<TestPackage & { readonly models: string }> {
  const models = temporaryFolder();
  return { models, ...(await writeProfiledPackage(models)) };
}

export async function startTestService(scope: Scope, options: ServiceOptions = {}): Promise<TestService> {
  const models = options.config?.models ?? temporaryFolder();
  if (options.config?.models === undefined) {
    await (options.writePackages ?? writeProfiledPackage)(models);
  }
  const maxInFlight = options.config?.maxInFlight ?? 256;
  const config = createConfig({
    engine: 'onnx',
    workers: 1,
    maxBatchImages: Math.min(64, maxInFlight),
    logLevel: 'debug',
    reloadSeconds: 0,
    auditFraction: 0,
    ...options.config,
    models,
  });
  const log: Record<string, unknown>[] = [];
  const lines = new PassThrough();
  lines.on('data', (line: Buffer) => log.push(JSON.parse(line.toString()) as Record<string, unknown>));
  const logger = createLogger(config.logLevel, lines);

  const { classifier, metrics } = await startService(config, logger, options.engineModule, options.buffer);
  const endpoint = tracesEndpoint(config.otlpEndpoint, {});
  const tracing = endpoint === undefined ? undefined : await createTracing(endpoint, logger);
  let draining = false;
  const { apiKeysFile: file, reloadSeconds: intervalSeconds } = config;
  const first = file === '' ? undefined : await readKeysFile(file);
  const common = { intervalSeconds, now: monotonicSeconds, startTimer, metrics, logger };
  const apiKeys = first && createApiKeys({ ...common, file, first, maxRefusalsWaiting: config.maxInFlight });
  const isDraining = () => draining;
  const bytesInFlight = createBytesInFlight(config, metrics);
  const parts = { config, classifier, metrics, logger, apiKeys, tracing, bytesInFlight, isDraining };
  const app = await buildApp(parts);
  const grpc = config.grpc ? await createGrpcServer(parts) : undefined;
  scope.after(async () => {
    apiKeys?.close();
    await Promise.all([app.close(), grpc?.close()]);
    await classifier.close();
    await tracing?.close();
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const grpcPort = (await grpc?.listen({ host: '127.0.0.1', port: 0 }))?.port ?? 0;
  const url = `http://127.0.0.1:${port}`;
  return {
    app,
    classifier,
    apiKeys,
    config,
    url,
    port,
    grpc,
    grpcUrl: `http://127.0.0.1:${grpcPort}`,
    log,
    samples: () => scrape(url),
    connections: () => new Promise((resolve) => app.server.getConnections((_error, count) => resolve(count))),
    drain: () => {
      draining = true;
    },
  };
}

/** Waits until `condition` holds; a test that waits in vain ends by the runner's time limit. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(5);
}
