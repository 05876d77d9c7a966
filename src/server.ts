// The process: packages → metrics → classifier → app → listen, and on SIGTERM or SIGINT the way back in order:
// not ready, drain delay, no new connections, every accepted request answered, workers ended, exit 0. A signal that comes
// before it listens ends it when the workers have started, since none can be ended while it computes.
import { lookup } from 'node:dns/promises';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from './config/config.js';
import { monotonicSeconds } from './foundation/clock.js';
import { messageOf, UsageError } from './foundation/errors.js';
import { type App, buildApp } from './http/app.js';
import { readApiKeys } from './http/plugins/api-keys.js';
import { startService } from './serving/service.js';
import { createLogger } from './telemetry/logging.js';
import { createTracing } from './telemetry/tracing.js';

/**
 * Connections that may wait to be accepted. With Node's 511 a crowd that arrives while the event loop is busy overflows
 * it, and the kernel then leaves clients that believe themselves connected waiting for many seconds. The kernel's own
 * limit (net.core.somaxconn) applies as well.
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
 * @throws UsageError if there is nothing to serve, or no address to serve it at
 */
export async function serve(
  config: Config,
  { engineModule, notices = [] }: ServeOptions = {},
): Promise<void> {
  const logger = createLogger(config.logLevel);
  for (const notice of notices) logger.warn(notice);
  // From the first moment: no signal but those it handles reaches a container's first process.
  const stop = stopSignal();
  let reload = async (): Promise<void> => {};
  process.on('SIGHUP', () => void reload());

  const apiKeys = config.apiKeysFile === '' ? undefined : await readApiKeys(config.apiKeysFile);
  const tracing = config.otlpEndpoint === '' ? undefined : await createTracing(config.otlpEndpoint, logger);
  const { classifier, metrics } = await startService(config, logger, engineModule);
  if (stop.signal) {
    logger.info({ signal: stop.signal }, 'stopped before it was ready');
    await classifier.close();
    await tracing?.close();
    return;
  }
  reload = () => classifier.reload();
  let draining = false;
  const app = await buildApp({
    config,
    classifier,
    metrics,
    logger,
    apiKeys,
    tracing,
    isDraining: () => draining,
  });
  const address = await listen(app, config).catch(async (error: unknown) => {
    await app.close();
    await classifier.close();
    throw new UsageError(`The server cannot listen: ${messageOf(error)}.`, { cause: error });
  });
  const { engine, catalog } = classifier;
  logger.info(
    {
      address,
      engine: engine.name,
      device: engine.device,
      workers: engine.workers,
      models: catalog.models.map(({ id }) => id),
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
  await app.close();
  await classifier.close();
  await tracing?.close();
  clearTimeout(patience);
  logger.info({ seconds: monotonicSeconds() - started }, 'drained');
  process.exitCode = 0;
}

/**
 * Listens at one address. Of "localhost" Fastify would take each, with a server of its own, and how connections end and
 * what is answered to what is no HTTP is settled for the first alone.
 * @returns the URL
 */
async function listen(app: App, { host, port }: Config): Promise<string> {
  const address = host === 'localhost' ? (await lookup(host)).address : host;
  return app.listen({ host: address, port, backlog: LISTEN_BACKLOG });
}

/** The first SIGTERM or SIGINT from now on, known once it `came`. The next one ends the process at once. */
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
