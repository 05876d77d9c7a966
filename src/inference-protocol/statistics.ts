// Triton's statistics of a model, from the metrics: there is no second count of anything.
import type { Histogram } from 'prom-client';
import type { ServedModel } from '../serving/catalog.js';
import type { Metrics } from '../telemetry/metrics.js';

export interface Duration {
  readonly count: number;
  readonly ns: number;
}

/** Of what does not exist here; perf_analyzer wants it said. */
const NONE: Duration = { count: 0, ns: 0 };

export type StatisticsSource = Pick<
  Metrics,
  'requestSeconds' | 'decodeSeconds' | 'queueSeconds' | 'stageSeconds'
>;

/** One inference is one image. `compute_infer` is the time of all engine calls; images that share one share its time. */
export async function statisticsOf({ name, version }: ServedModel, metrics: StatisticsSource) {
  const total = (histogram: Histogram) => totalOf(histogram, name, version);
  const [success, input, queue, calls] = await Promise.all([
    total(metrics.requestSeconds as Histogram),
    total(metrics.decodeSeconds as Histogram),
    total(metrics.queueSeconds as Histogram),
    total(metrics.stageSeconds as Histogram),
  ]);
  return {
    name,
    version,
    inference_count: success.count,
    execution_count: calls.count,
    inference_stats: {
      success,
      queue,
      compute_input: input,
      compute_infer: { count: success.count, ns: calls.ns },
      compute_output: { count: success.count, ns: 0 },
      cache_hit: NONE,
      cache_miss: NONE,
    },
  };
}

async function totalOf(histogram: Histogram, model: string, version: string): Promise<Duration> {
  const { values } = await histogram.get();
  const sum = (suffix: string): number =>
    values
      .filter(
        ({ metricName, labels }) =>
          metricName?.endsWith(suffix) && labels['model'] === model && labels['version'] === version,
      )
      .reduce((whole, { value }) => whole + value, 0);
  return { count: sum('_count'), ns: Math.round(sum('_sum') * 1e9) };
}
