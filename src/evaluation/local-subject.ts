// Evaluates in this process, with the same classifier as the server, including decoder, queue and workers.
import type { Logger } from 'pino';
import { createConfig } from '../config/config.js';
import { Failure, messageOf, UsageError } from '../foundation/errors.js';
import { createPlan } from '../serving/plan.js';
import { startService } from '../serving/service.js';
import type { ModelName, Subject } from './subject.js';

/** @throws UsageError if the folder has no such model that can be served */
export async function createLocalSubject(
  models: string,
  { name, version }: ModelName,
  logger: Logger,
): Promise<Subject> {
  const config = createConfig({ models, defaultModel: name, auditFraction: 0, reloadSeconds: 0 });
  const { classifier, metrics } = await startService(config, logger);
  try {
    const model = classifier.catalog.find(name, version);
    const { classes, exits, files } = model.manifest;
    return {
      model: {
        name: model.name,
        version: model.version,
        engine: model.engine,
        classes,
        exits: exits.map((exit) => exit.name),
        profiles: [...model.profiles.keys()],
        certifiedFlops: new Map(
          [...model.profiles].flatMap(([profile, { certificate }]) =>
            certificate?.valid ? [[profile, certificate.certificate.flops.mean] as const] : [],
          ),
        ),
        defaultProfile: model.defaultProfile,
        fullFlops: model.fullFlops,
        files,
      },
      async classify({ name: sample, mediaType, bytes }, profile) {
        const admitted = classifier.admit(1);
        try {
          return await admitted.classify({ bytes, mediaType }, createPlan(model, { profile }));
        } catch (error) {
          throw new UsageError(`${sample} was not classified: ${messageOf(error)}`, { cause: error });
        } finally {
          admitted.leave();
        }
      },
      metrics: () => metrics.registry.metrics(),
      close: classifier.close,
    };
  } catch (error) {
    await classifier.close();
    throw error instanceof Failure ? new UsageError(error.message, { cause: error }) : error;
  }
}
