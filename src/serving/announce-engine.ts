// Announces the engine in use and those passed over, in the log and the metrics.
import type { Logger } from 'pino';
import type { PassedOver } from '../engines/choose.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { EngineInfo } from '../workers/protocol.js';

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
