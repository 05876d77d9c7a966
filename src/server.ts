// The server process. Start: address → packages → metrics → classifier → app → listen. On SIGTERM or SIGINT: not ready, drain
// delay, no new connections, answer every accepted request, end the workers, exit 0. A signal before it listens ends
// the process when the workers have started, because a worker cannot be ended while it computes.
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { createApiKeys } from './access/api-keys.js';
import { readKeysFile } from './access/keys-file.js';
import type { Config } from './config/settings.js';
import { monotonicSeconds } from './foundation/clock.js';
import { messageOf, UsageError } from './foundation/errors.js';
import { startTimer } from './foundation/timers.js';
import { buildApp } from './http/app.js';
import { createBytesInFlight } from './http/bodies/bytes-in-flight.js';
import { findListenAddress } from './http/connections/listen-address.js';
import { createGrpcServer } from './http/grpc/server.js';
import { startService } from './serving/service.js';
import { createProcessLog } from './telemetry/logging.js';
import { createTracing, tracesEndpoint } from './telemetry/tracing.js';

/**
 * Maximum number of connections that wait to be accepted. Node's default of 511 can overflow when many clients connect
 * while the event loop is busy. Clients then consider themselves connected but wait for many seconds. The kernel's
 * limit (net.core.somaxconn) also applies.
 */
const LISTEN_BACKLOG = 4096;

export interface ServeOptions {
  /** As for `startService`. */
  readonly engineModule?: string | undefined;
  /** For the log: what had no effect on the configuration. */
  readonly notices?: readonly string[];
}

/**
 * Serves until a signal ends it.
 * @throws UsageError if there is no model to serve, or the server cannot listen
 */
export async function serve(
  config: Config,
  { engineModule, notices = [] }: ServeOptions = {},
): Promise<void> {
  const { logger, droppedLines } = createProcessLog(config.logLevel);
  for (const notice of notices) logger.warn(notice);
  // Handle signals from the start: the first process of a container receives only signals that it handles.
  const stop = stopSignal();
  let reload = async (): Promise<void> => {};
  process.on('SIGHUP', () => void reload());

  const { apiKeysFile, port } = config;
  const keysFile = apiKeysFile === '' ? undefined : await readKeysFile(apiKeysFile);
  const host = await findListenAddress(config.host, port).catch(cannotListen);
  if (config.grpc) await findListenAddress(host, config.grpcPort).catch(cannotListen);
  const endpoint = tracesEndpoint(config.otlpEndpoint, process.env);
  const tracing = endpoint === undefined ? undefined : await createTracing(endpoint, logger);
  const { classifier, metrics } = await startService(config, logger, engineModule);
  metrics.observeLog(droppedLines);
  if (stop.signal) {
    logger.info({ signal: stop.signal }, 'stopped before it was ready');
    await classifier.close();
    await tracing?.close();
    return;
  }
  const apiKeys =
    keysFile &&
    createApiKeys({
      file: apiKeysFile,
      first: keysFile,
      intervalSeconds: config.reloadSeconds,
      maxRefusalsWaiting: config.maxInFlight,
      now: monotonicSeconds,
      startTimer,
      metrics,
      logger,
    });
  reload = async () => void (await Promise.all([classifier.reload(), apiKeys?.reload()]));
  if (config.privacy === 'strict') {
    logger.warn('privacy strict: GET /metrics still counts images by exit, so keep it from clients');
  }
  let draining = false;
  const bytesInFlight = createBytesInFlight(config, metrics);
  const isDraining = () => draining;
  const parts = { config, classifier, metrics, logger, apiKeys, tracing, bytesInFlight, isDraining };
  const app = await buildApp(parts);
  const grpc = config.grpc ? await createGrpcServer(parts) : undefined;
  const closeServers = () => Promise.all([app.close(), grpc?.close()]);
  // HTTP last: /readyz speaks for both.
  const listen = async () => ({
    grpcPort: (await grpc?.listen({ host, port: config.grpcPort, backlog: LISTEN_BACKLOG }))?.port,
    address: await app.listen({ host, port, backlog: LISTEN_BACKLOG }),
  });
  const listening = await listen().catch(async (error: unknown) => {
    apiKeys?.close();
    await closeServers();
    await classifier.close();
    return cannotListen(error);
  });
  const { engine, catalog } = classifier;
  logger.info(
    {
      ...listening,
      engine: engine.name,
      device: engine.device,
      workers: engine.workers,
      models: catalog.models.map(({ label }) => label),
    },
    'ready',
  );

  await stop.came;
  draining = true;
  logger.info({ signal: stop.signal }, 'draining');
  const started = monotonicSeconds();
  const patience = setTimeout(
    () => {
      logger.error(
        { seconds: config.shutdownTimeoutSeconds },
        'requests were still running when patience ended',
      );
      process.exit(1);
    },
    (config.drainDelaySeconds + config.shutdownTimeoutSeconds) * 1000,
  );
  await sleep(config.drainDelaySeconds * 1000);
  apiKeys?.close();
  await closeServers();
  await classifier.close();
  await tracing?.close();
  clearTimeout(patience);
  logger.info({ seconds: monotonicSeconds() - started }, 'drained');
  process.exitCode = 0;
}

function cannotListen(error: unknown): never {
  throw new UsageError(`The server cannot listen: ${messageOf(error)}.`, { cause: error });
}

/** Waits for the first SIGTERM or SIGINT; `signal` is set when `came` resolves. The second one exits at once. */
function stopSignal(): { readonly came: Promise<void>; readonly signal?: NodeJS.Signals } {
  const stop: { came: Promise<void>; signal?: NodeJS.Signals } = {
    came: nextSignal().then((signal) => {
      stop.signal = signal;
      void nextSignal().then(() => process.exit(1));
    }),
  };
  return stop;
}

function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
}
