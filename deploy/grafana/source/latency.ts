// Where the time of a request goes: decode, queue, each stage, and the rest.
import * as units from '@grafana/grafana-foundation-sdk/units';
import { createDashboard } from './dashboard.js';
import { graph, heatmap } from './panels.js';
import { anyInstance, buckets, mean, quantile, rate, sum } from './queries.js';

/** Seconds spent there for one image, on average, whether or not it passed there. */
const perImage = (seconds: string) =>
  `${sum('', rate(seconds))} / ${sum('', rate('rdi_request_duration_seconds_count'))}`;

export const latency = createDashboard({
  name: 'latency',
  title: 'Latency',
  description: 'The anatomy of a request’s time: decode, queue, each stage.',
  rows: {
    'From admission to answer': [
      graph({
        title: 'Latency of one image',
        description: 'The objective is 99 % within 100 ms.',
        unit: units.Seconds,
        limits: [0.05, 0.1],
        queries: {
          p50: quantile(0.5, 'rdi_request_duration_seconds'),
          p95: quantile(0.95, 'rdi_request_duration_seconds'),
          p99: quantile(0.99, 'rdi_request_duration_seconds'),
          mean: mean('rdi_request_duration_seconds'),
        },
      }),
      heatmap({
        title: 'Distribution',
        description: 'Two bands are two populations: early and late exits, or a queue that comes and goes.',
        unit: units.Seconds,
        query: buckets('rdi_request_duration_seconds'),
      }),
      graph({
        title: 'Mean time by phase',
        description:
          'What to make faster. Queue on top: add workers or replicas. Decode on top: send smaller images.',
        unit: units.Seconds,
        style: 'stacked',
        span: 24,
        queries: {
          decode: perImage('rdi_decode_duration_seconds_sum'),
          queue: perImage('rdi_queue_wait_seconds_sum'),
          'compute and the rest': `${perImage('rdi_request_duration_seconds_sum')} - ${perImage('rdi_decode_duration_seconds_sum')} - ${perImage('rdi_queue_wait_seconds_sum')}`,
        },
      }),
    ],
    Phases: [
      graph({
        title: 'Decode',
        description:
          'Decoding and resampling one image. Small plain images of the model’s size take microseconds.',
        unit: units.Seconds,
        limits: [0.025, 0.1],
        queries: {
          p50: quantile(0.5, 'rdi_decode_duration_seconds'),
          p99: quantile(0.99, 'rdi_decode_duration_seconds'),
        },
      }),
      graph({
        title: 'Queue',
        description: 'From the end of decoding until a worker starts. It grows when all workers are busy.',
        unit: units.Seconds,
        limits: [0.025, 0.1],
        queries: {
          p50: quantile(0.5, 'rdi_queue_wait_seconds'),
          p99: quantile(0.99, 'rdi_queue_wait_seconds'),
        },
      }),
      graph({
        title: 'Each stage, median',
        description: 'One engine call: the segment that ends at this exit, on a whole batch.',
        unit: units.Seconds,
        queries: {
          '{{model}} to exit {{stage}}': quantile(0.5, 'rdi_stage_duration_seconds', 'model, stage'),
        },
      }),
      graph({
        title: 'Each stage, 99th percentile',
        description: 'Far above the median: cores are shared or throttled, or batches vary in size.',
        unit: units.Seconds,
        limits: [0.05, 0.1],
        queries: {
          '{{model}} to exit {{stage}}': quantile(0.99, 'rdi_stage_duration_seconds', 'model, stage'),
        },
      }),
    ],
    'The whole HTTP request': [
      graph({
        title: 'HTTP, 99th percentile by route',
        description:
          'From the request’s head to the end of the response: slow clients count here and nowhere else.',
        unit: units.Seconds,
        limits: [0.1, 1],
        span: 24,
        queries: {
          '{{method}} {{route}}': quantile(0.99, 'http_request_duration_seconds', 'method, route', {
            scope: anyInstance,
          }),
        },
      }),
    ],
  },
});
