// Metrics of the live audit of certificates.
import { Counter, Gauge, type Registry } from 'prom-client';

export function auditMetrics(registers: Registry[]) {
  return {
    auditResults: new Counter({
      name: 'rdi_audit_samples_total',
      help: 'Answers sampled by the audit; result is agreed or differed (compared with the full network), failed or dropped.',
      labelNames: ['model', 'version', 'profile', 'result'],
      registers,
    }),
    auditEvidence: new Gauge({
      name: 'rdi_audit_evidence',
      help: 'Current value of a bet of 1 against the certificate; at 1/α the audit raises its alarm.',
      labelNames: ['model', 'version', 'profile'],
      registers,
    }),
    auditAlarm: new Gauge({
      name: 'rdi_audit_alarm',
      help: '1 after the audit’s alarm: the server uses full instead of this profile until an operator acts.',
      labelNames: ['model', 'version', 'profile'],
      registers,
    }),
    auditSeconds: new Counter({
      name: 'rdi_audit_engine_seconds_total',
      help: 'Engine time of audits.',
      labelNames: ['model', 'version'],
      registers,
    }),
  };
}
