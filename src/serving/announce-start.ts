// Announces the result of a start in the log and the metrics: the engine in use and those passed over, the models
// served and those refused.
import type { Logger } from 'pino';
import type { PassedOver } from '../engines/choose.js';
import type { RefusedPackage } from '../packages/repository.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { EngineInfo } from '../workers/protocol.js';
import { announceCertificates } from './announce-certificates.js';
import type { ServedModel } from './catalog.js';

export function announceEngine(
  engine: EngineInfo,
  passedOver: readonly PassedOver[],
  metrics: Pick<Metrics, 'engineInfo'>,
  logger: Logger,
): void {
  metrics.engineInfo.set({ engine: engine.name, device: engine.device, status: 'in-use' }, 1);
  for (const { engine: name, code, reason } of passedOver) {
    logger.info({ engine: name, reason }, 'engine passed over');
    metrics.engineInfo.set({ engine: name, device: '', status: code }, 1);
  }
}

export function announceModels(
  served: readonly ServedModel[],
  refused: readonly RefusedPackage[],
  engine: EngineInfo,
  metrics: Metrics,
  logger: Logger,
): void {
  const announce = (model: string, version: string, status: 'served' | 'refused'): void =>
    metrics.modelInfo.set({ model, version, engine: engine.name, device: engine.device, status }, 1);
  for (const model of served) {
    announce(model.name, model.version, 'served');
    announceCertificates(model, metrics, logger);
  }
  for (const { name: model, version, reason } of refused) {
    logger.error({ model, version, reason }, 'model refused');
    announce(model, version, 'refused');
  }
}
