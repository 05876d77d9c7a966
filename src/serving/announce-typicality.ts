// Announces whether the answers of a model say how typical images are. A count that starts at 0 lets an alert see it grow.
import type { Logger } from 'pino';
import type { ModelPackage } from '../packages/package.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { ServedModel } from './catalog.js';

export function announceTypicality(
  { name: model, version, typicality }: ServedModel,
  measured: ModelPackage['typicality'],
  metrics: Pick<Metrics, 'atypical'>,
  logger: Logger,
): void {
  if (typicality) metrics.atypical.inc({ model, version }, 0);
  else if (measured) {
    logger.warn(
      { model, version },
      'typicality was measured with another preprocessing: answers do not tell of it',
    );
  }
}
