// The live audits of all profiles. An audit is created when a profile comes into service and kept while its certificate
// stays the same. Metrics and log show its state.
import type { Logger } from 'pino';
import { FULL_PROFILE, isCertified, type Profile } from '../../format/profiles.js';
import type { ModelPackage } from '../../packages/package.js';
import type { Metrics } from '../../telemetry/metrics.js';
import {
  type AuditResult,
  type AuditState,
  createProfileAudit,
  type ProfileAudit,
  type RunInBackground,
} from './profile-audit.js';

/** Maximum number of samples in progress, over all profiles. Each sample keeps its image in memory. */
const PLACES = 64;

export type Audits = (one: ModelPackage) => ReadonlyMap<string, ProfileAudit>;

export interface AuditsOptions {
  /** Share of answers that are sampled; 0: no audits. */
  readonly fraction: number;
  readonly alpha: number;
  readonly run: RunInBackground;
  readonly random: () => number;
  readonly metrics: Pick<Metrics, 'auditResults' | 'auditEvidence' | 'auditAlarm' | 'auditSeconds'>;
  readonly logger: Logger;
}

/** @returns a function that gives the audits of a package's profiles, by name. Call it again when profiles change. */
export function createAudits(options: AuditsOptions): Audits {
  const { fraction, alpha, metrics, logger } = options;
  const known = new Map<string, { subject: string; audit: ProfileAudit }>();
  let places = PLACES;

  function create(model: string, version: string, profile: Profile): ProfileAudit {
    const labels = { model, version, profile: profile.name };
    const epsilon = promisedConsistency(profile);
    let wasAlarmed = false;
    function onChange({ evidence, isAlarmed, results }: AuditState, result: AuditResult | undefined): void {
      if (result) metrics.auditResults.inc({ ...labels, result });
      // Results can still arrive for a profile that has been replaced or removed.
      if (epsilon === undefined || known.get(keyOf(model, version, profile.name))?.audit !== audit) return;
      metrics.auditEvidence.set(labels, evidence);
      metrics.auditAlarm.set(labels, isAlarmed ? 1 : 0);
      if (isAlarmed && !wasAlarmed) {
        const { agreed, differed } = results;
        logger.error(
          { ...labels, epsilon, alpha, evidence, agreed, differed },
          'audit alarm: more answers differ from the full network than was certified; served with full from now on',
        );
      }
      if (result === undefined) logger.warn(labels, 'audit restarted');
      wasAlarmed = isAlarmed;
    }
    const audit = createProfileAudit({
      epsilon,
      alpha,
      fraction,
      run: options.run,
      random: options.random,
      places: {
        take: () => places > 0 && places-- > 0,
        giveBack: () => {
          places++;
        },
      },
      onChange,
      onCost: (seconds) => metrics.auditSeconds.inc({ model, version }, seconds),
    });
    for (const result of ['agreed', 'differed', 'failed', 'dropped']) {
      metrics.auditResults.inc({ ...labels, result }, 0);
    }
    if (epsilon !== undefined) {
      metrics.auditEvidence.set(labels, 1);
      metrics.auditAlarm.set(labels, 0);
    } else {
      // The previous certificate may have limited consistency.
      forget(labels);
    }
    return audit;
  }

  function forget(labels: { model: string; version: string; profile: string }): void {
    metrics.auditEvidence.remove(labels);
    metrics.auditAlarm.remove(labels);
  }

  return ({ manifest: { name, version }, profiles }) => {
    const audits = new Map<string, ProfileAudit>();
    if (fraction === 0) return audits;
    const prefix = keyOf(name, version, '');
    const before = new Map([...known].filter(([key]) => key.startsWith(prefix)));
    for (const [profileName, profile] of profiles) {
      if (profileName === FULL_PROFILE || !isCertified(profile)) continue;
      const key = keyOf(name, version, profileName);
      const subject = JSON.stringify([profile.certificate?.certificate.sha256, promisedConsistency(profile)]);
      const kept = known.get(key);
      const audit = kept?.subject === subject ? kept.audit : create(name, version, profile);
      known.set(key, { subject, audit });
      before.delete(key);
      audits.set(profileName, audit);
    }
    for (const key of before.keys()) {
      known.delete(key);
      forget({ model: name, version, profile: key.slice(prefix.length) });
    }
    return audits;
  };
}

function keyOf(model: string, version: string, profile: string): string {
  return `${model}/${version} ${profile}`;
}

/** ε of the consistency risk on clean images, the only one that can be audited: accuracy needs the true classes. */
function promisedConsistency({ certificate }: Profile): number | undefined {
  return certificate?.certificate.risks.find(
    ({ loss, data }) => loss === 'consistency' && data !== 'adversarial',
  )?.epsilon;
}
