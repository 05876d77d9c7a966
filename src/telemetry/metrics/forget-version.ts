// Removes all series of a version that is no longer served.
import type { Counter, Gauge, Histogram, Registry } from 'prom-client';

export async function forgetVersion(registry: Registry, model: string, version: string): Promise<void> {
  for (const metric of registry.getMetricsAsArray() as unknown as (Counter | Gauge | Histogram)[]) {
    const { values } = await metric.get();
    for (const { labels } of values) {
      if (labels['model'] !== model || labels['version'] !== version) continue;
      const { le: _, ...own } = labels as Record<string, string>;
      metric.remove(own);
    }
  }
}
