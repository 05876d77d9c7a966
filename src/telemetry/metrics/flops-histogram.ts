// The histogram of FLOPs per image. Its buckets can change, although prom-client fixes those of a histogram when it is
// made.
import { Histogram, type Registry } from 'prom-client';

export function createFlopsHistogram(registry: Registry, buckets: readonly number[]) {
  let bounds = new Set<number>();
  let histogram: Histogram<'model' | 'version'> | undefined;

  function fit(wanted: readonly number[]): void {
    if (histogram && wanted.every((bound) => bounds.has(bound))) return;
    bounds = new Set(wanted);
    registry.removeSingleMetric('rdi_request_flops');
    histogram = new Histogram({
      name: 'rdi_request_flops',
      help: 'FLOPs (2 × multiply-accumulates) executed for one image, including heads.',
      labelNames: ['model', 'version'],
      buckets: [...bounds].sort((a, b) => a - b),
      registers: [registry],
    });
  }

  fit(buckets);
  return {
    fit,
    observe: (labels: { model: string; version: string }, flops: number) => histogram?.observe(labels, flops),
  };
}
