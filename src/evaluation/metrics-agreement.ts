// Checks that a service's metrics agree exactly with its answers: counts per exit and FLOPs.
import { type MetricValue, readMetrics, sumOf } from '../telemetry/metrics-text.js';
import type { ProfileAnswers } from './evaluate.js';
import type { SubjectModel } from './subject.js';

/**
 * Compares the growth of the metrics with the answers. Only valid if no other client used the service meanwhile.
 *
 * @param before the text of /metrics before the first request
 * @param after the text of /metrics after the last answer
 * @returns one line for each difference; none if they agree
 */
export function metricsDifferences(
  before: string,
  after: string,
  { name: model, version, fullFlops }: Pick<SubjectModel, 'name' | 'version' | 'fullFlops'>,
  results: readonly ProfileAnswers[],
): string[] {
  const grown = growth(readMetrics(before), readMetrics(after), { model, version });
  const answers = results.flatMap((result) => result.answers);
  const expected = new Map([
    ['rdi_flops_total', answers.reduce((sum, { flops }) => sum + flops, 0)],
    ['rdi_flops_full_total', answers.length * fullFlops],
  ]);
  for (const { profile, answers: ofProfile } of results) {
    for (const { exit, reason } of ofProfile) {
      const key = predictionsKey(profile, String(exit), reason);
      expected.set(key, (expected.get(key) ?? 0) + 1);
    }
  }
  return [...new Set([...expected.keys(), ...grown.keys()])].flatMap((key) => {
    const [counted, answered] = [grown.get(key) ?? 0, expected.get(key) ?? 0];
    return counted === answered
      ? []
      : [`${key}: the metrics grew by ${counted}, the answers say ${answered}`];
  });
}

type Owner = Readonly<Record<'model' | 'version', string>>;

/** Growth of each compared series of one model; series that did not change are left out. */
function growth(
  before: readonly MetricValue[],
  after: readonly MetricValue[],
  owner: Owner,
): Map<string, number> {
  const [old, now] = [valuesOf(before, owner), valuesOf(after, owner)];
  const grown = [...now].map(([key, value]) => [key, value - (old.get(key) ?? 0)] as const);
  return new Map(grown.filter(([, by]) => by !== 0));
}

function valuesOf(metrics: readonly MetricValue[], owner: Owner): Map<string, number> {
  const predictions = metrics
    .filter(({ name, labels }) => name === 'rdi_predictions_total' && isOf(labels, owner))
    .map(({ labels, value }): [string, number] => [
      predictionsKey(labels['profile'], labels['exit'], labels['reason']),
      value,
    ]);
  const flops = ['rdi_flops_total', 'rdi_flops_full_total'].map((name): [string, number] => [
    name,
    sumOf(metrics, name, owner),
  ]);
  return new Map([...predictions, ...flops]);
}

function isOf(labels: MetricValue['labels'], { model, version }: Owner): boolean {
  return labels['model'] === model && labels['version'] === version;
}

function predictionsKey(
  profile: string | undefined,
  exit: string | undefined,
  reason: string | undefined,
): string {
  return `rdi_predictions_total{profile="${profile}",exit="${exit}",reason="${reason}"}`;
}
