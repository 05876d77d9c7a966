// Exemplars: for each bucket of a duration histogram, the trace id of the latest request in it. prom-client's own
// exemplars are not used, because they would change every call that observes a duration.
import { DURATION_BUCKETS } from './metrics/times.js';
import { readMetrics } from './metrics-text.js';

export interface Exemplars {
  /** @param labels the histogram's labels of the series */
  note(
    histogram: string,
    labels: Readonly<Record<string, string | number>>,
    seconds: number,
    traceId: string,
  ): void;
  /** The Prometheus text with exemplars at its buckets, in OpenMetrics syntax. */
  addTo(text: string): string;
}

export function createExemplars(wallClock: () => number = Date.now): Exemplars {
  const latest = new Map<string, string>();

  return {
    note(histogram, labels, seconds, traceId) {
      const bound = DURATION_BUCKETS.find((upper) => seconds <= upper) ?? '+Inf';
      const timestamp = (wallClock() / 1000).toFixed(3);
      latest.set(
        bucketKey(`${histogram}_bucket`, { ...labels, le: bound }),
        ` # {trace_id="${traceId}"} ${seconds} ${timestamp}`,
      );
    },
    addTo: (text) =>
      text.replace(/^\w+_bucket\{.*$/gm, (line) => {
        const [bucket] = readMetrics(line);
        return line + ((bucket && latest.get(bucketKey(bucket.name, bucket.labels))) ?? '');
      }),
  };
}

function bucketKey(name: string, labels: Readonly<Record<string, string | number>>): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return `${name} ${pairs.sort().join(' ')}`;
}
