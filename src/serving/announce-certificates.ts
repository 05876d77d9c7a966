// Announces which profiles of a model are certified. Metrics show it for all profiles, with the expected exit shares;
// the log has a warning for each certificate that is not valid.
import type { Logger } from 'pino';
import { FULL_PROFILE, type Profile } from '../format/profiles.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { ServedModel } from './catalog.js';

type CertificateMetrics = Pick<Metrics, 'certificateInfo' | 'exitShareExpected' | 'predictions'>;

export function announceCertificates(
  { name: model, version, profiles }: ServedModel,
  metrics: CertificateMetrics,
  logger: Logger,
): void {
  for (const [profile, { certificate }] of certifiable(profiles)) {
    const status = statusOf(certificate);
    metrics.certificateInfo.set({ model, version, profile, status }, 1);
    for (const [exit, share] of expectedShares(certificate)) {
      metrics.exitShareExpected.set({ model, version, profile, exit }, share);
      // Counts are compared with the expected shares, so an exit that no image takes also needs a series.
      for (const reason of ['confident', 'final']) {
        metrics.predictions.inc({ model, version, profile, exit, reason }, 0);
      }
    }
    if (status === 'invalid') {
      const reason = certificate?.reason;
      logger.warn({ model, version, profile, reason }, 'certificate not valid: served as uncertified');
    }
  }
}

/** Removes the metrics of a model's certificates. Call before new certificates are announced for the same model. */
export function withdrawCertificates(
  { name: model, version, profiles }: ServedModel,
  metrics: CertificateMetrics,
): void {
  for (const [profile, { certificate }] of certifiable(profiles)) {
    metrics.certificateInfo.remove({ model, version, profile, status: statusOf(certificate) });
    for (const [exit] of expectedShares(certificate)) {
      metrics.exitShareExpected.remove({ model, version, profile, exit });
    }
  }
}

function certifiable(profiles: ServedModel['profiles']): [string, Profile][] {
  return [...profiles].filter(([profile]) => profile !== FULL_PROFILE);
}

function expectedShares(certificate: Profile['certificate']): [number, number][] {
  return certificate?.valid ? [...certificate.certificate.exitShares.entries()] : [];
}

function statusOf(certificate: Profile['certificate']): 'valid' | 'invalid' | 'none' {
  return certificate ? (certificate.valid ? 'valid' : 'invalid') : 'none';
}
