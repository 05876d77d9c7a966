// Finds the model packages and starts the classifier over them: all of the service but HTTP.
import type { Logger } from 'pino';
import { monotonicSeconds } from './clock.js';
import type { Config } from './config.js';
import { type Classifier, createClassifier } from './inference/classifier.js';
import { pathsOf } from './inference/path.js';
import { findPackages } from './models/repository.js';
import { createMetrics, type Metrics } from './telemetry/metrics.js';

export interface Service {
  readonly classifier: Classifier;
  readonly metrics: Metrics;
}

export type ServiceConfig = Pick<
  Config,
  'models' | 'defaultModel' | 'workers' | 'maxBatch' | 'maxInFlight' | 'maxImagePixels'
>;

/** URL of the module of the ONNX engine. */
export const onnxEngine = new URL('./engines/onnx.js', import.meta.url).href;

/**
 * @param engineModule URL of the module whose `createEngine` the workers call.
 * @throws UsageError if there is no model to serve
 */
export async function startService(
  config: ServiceConfig,
  logger: Logger,
  engineModule: string = onnxEngine,
): Promise<Service> {
  const { packages, refused } = await findPackages(config.models);
  const costs = packages.flatMap(({ manifest: { exits }, profiles }) =>
    [...profiles.values()].flatMap((profile) =>
      pathsOf(exits, profile).flatMap((path) => path.map(({ flops }) => flops)),
    ),
  );
  const metrics = createMetrics(costs);
  const classifier = await createClassifier({
    ...config,
    packages,
    refused,
    engineModule,
    metrics,
    logger,
    now: monotonicSeconds,
  });
  return { classifier, metrics };
}
