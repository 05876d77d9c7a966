// Finds the model packages and starts the classifier with them: the whole service except HTTP.
import type { Logger } from 'pino';
import type { Config } from '../config/settings.js';
import { chooseEngine, type EngineChoice, ONE_THREAD_BUFFER } from '../engines/choose.js';
import { monotonicSeconds } from '../foundation/clock.js';
import { costBounds } from '../network/execution-path.js';
import { surveyModels } from '../packages/models-folder/survey.js';
import { findPackages } from '../packages/repository.js';
import { createMetrics, type Metrics } from '../telemetry/metrics.js';
import { type Classifier, createClassifier } from './classifier.js';

export interface Service {
  readonly classifier: Classifier;
  readonly metrics: Metrics;
}

export type ServiceConfig = Pick<
  Config,
  | 'auditFraction'
  | 'auditAlpha'
  | 'ladder'
  | 'ladderTargetMs'
  | 'slowdownAction'
  | 'slowdownAlpha'
  | 'slowdownTolerance'
  | 'slowdownClients'
  | 'privacy'
  | 'privacyIntervalMs'
  | 'models'
  | 'defaultModel'
  | 'engine'
  | 'device'
  | 'workers'
  | 'maxBatch'
  | 'maxInFlight'
  | 'maxImagePixels'
  | 'maxImageMemoryBytes'
  | 'reloadSeconds'
>;

/**
 * @param engineModule URL of a module like those in engines/, which is used without a choice; for tests
 * @param buffer buffer options of the workers that run `engineModule`
 * @throws UsageError if there is no model to serve, or the demanded engine cannot be used
 */
export async function startService(
  config: ServiceConfig,
  logger: Logger,
  engineModule?: string,
  buffer = ONE_THREAD_BUFFER,
): Promise<Service> {
  const choice: EngineChoice = engineModule
    ? { module: engineModule, options: {}, workers: config.workers, buffer, passedOver: [] }
    : await chooseEngine(config);
  const found = await findPackages(config.models);
  const metrics = createMetrics(found.packages.flatMap(({ manifest }) => costBounds(manifest.exits).flat()));
  const classifier = await createClassifier({
    ...config,
    found,
    survey: () => surveyModels(config.models),
    choice,
    metrics,
    logger,
    now: monotonicSeconds,
    random: Math.random,
  });
  return { classifier, metrics };
}
