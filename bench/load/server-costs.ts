// The costs of a load for the server, from the server's metrics before and after.
import { type MetricValue, sumOf } from '../../src/telemetry/metrics-text.js';

export interface ServerCosts {
  readonly cpuSeconds: number;
  /** Minor garbage collections of the main thread. */
  readonly minorGcSeconds: number;
  /**
   * 99th percentile of the time between two ticks of a 10 ms timer, since the metrics were last read. It includes those
   * 10 ms.
   */
  readonly eventLoopP99Seconds: number;
  /** Mean number of images in an engine call. */
  readonly meanBatch: number;
}

export function serverCosts(before: readonly MetricValue[], after: readonly MetricValue[]): ServerCosts {
  const grown = (name: string, labels?: Readonly<Record<string, string>>): number =>
    sumOf(after, name, labels) - sumOf(before, name, labels);
  return {
    cpuSeconds: grown('process_cpu_seconds_total'),
    minorGcSeconds: grown('nodejs_gc_duration_seconds_sum', { kind: 'minor' }),
    eventLoopP99Seconds: sumOf(after, 'nodejs_eventloop_lag_p99_seconds'),
    meanBatch: grown('rdi_batch_size_sum') / grown('rdi_batch_size_count'),
  };
}
