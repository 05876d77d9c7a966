// Says at start-up which profiles are certified: in a metric for all of them, in the log where one no longer is.
import type { Logger } from 'pino';
import { FULL_PROFILE } from '../models/profiles.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { ServedModel } from './catalog.js';

export function announceCertificates(
  models: readonly ServedModel[],
  metrics: Pick<Metrics, 'certificateInfo'>,
  logger: Logger,
): void {
  for (const { name: model, version, profiles } of models) {
    for (const { name: profile, certificate } of profiles.values()) {
      if (profile === FULL_PROFILE) continue;
      const status = certificate ? (certificate.valid ? 'valid' : 'invalid') : 'none';
      metrics.certificateInfo.set({ model, version, profile, status }, 1);
      if (status === 'invalid') {
        const reason = certificate?.reason;
        logger.warn({ model, version, profile, reason }, 'certificate not valid: served as uncertified');
      }
    }
  }
}
