// Is it well? The first page to open; each row has a dashboard of its own behind it.
import * as units from '@grafana/grafana-foundation-sdk/units';
import { createDashboard } from './dashboard.js';
import { graph, stat } from './panels.js';
import { anyInstance, mean, quantile, rate, select, sum } from './queries.js';

const ofProcess = { scope: anyInstance };
const answered = { where: 'route=~"/classify.*"', ...ofProcess };
const failed = { where: 'route=~"/classify.*", status=~"5..", status!="504"', ...ofProcess };

export const overview = createDashboard({
  name: 'overview',
  title: 'Overview',
  description: 'Health, traffic, latency and saved compute of rdi-serve at a glance.',
  rows: {
    'At a glance': [
      stat({
        title: 'Instances up',
        description:
          'Instances that Prometheus can scrape. Fewer than you run: see the runbook of RdiServeDown.',
        unit: units.Short,
        floors: [1, 1],
        queries: { up: sum('', select('up', ofProcess)) },
      }),
      stat({
        title: 'Images answered',
        description: 'Predictions a second, single and in batches.',
        unit: 'img/s',
        queries: { images: sum('', rate('rdi_predictions_total')) },
      }),
      stat({
        title: 'Server errors',
        description:
          'Share of classify requests answered 5xx: saturated, lost workers, faults. Deadlines (504) are the client’s choice and not counted. The objective is 0.1 %.',
        unit: units.PercentUnit,
        limits: [0.001, 0.01],
        queries: {
          errors: `(${sum('', rate('http_request_duration_seconds_count', failed))} or vector(0)) / ${sum('', rate('http_request_duration_seconds_count', answered))}`,
        },
      }),
      stat({
        title: 'Latency, 99th percentile',
        description: 'From admission to answer, for one image. The objective is 99 % within 100 ms.',
        unit: units.Seconds,
        limits: [0.05, 0.1],
        queries: { p99: quantile(0.99, 'rdi_request_duration_seconds') },
      }),
      stat({
        title: 'Compute saved',
        description:
          'FLOPs not executed because images left early, as a share of what the full network would have cost. Near zero or negative: inputs are harder than those of calibration, or clients ask for profile full.',
        unit: units.PercentUnit,
        floors: [0.3, 0.1],
        queries: {
          saved: `1 - ${sum('', rate('rdi_flops_total'))} / ${sum('', rate('rdi_flops_full_total'))}`,
        },
      }),
      stat({
        title: 'Places taken',
        description:
          'Images in flight (RDI_MAX_IN_FLIGHT) and bytes of bodies (RDI_MAX_BYTES_IN_FLIGHT) over the most that may be. At 100 % requests get 503.',
        unit: units.PercentUnit,
        limits: [0.5, 0.8],
        queries: {
          images: `max(${select('rdi_in_flight', ofProcess)} / ${select('rdi_in_flight_limit', ofProcess)})`,
          bytes: `max(${select('rdi_in_flight_bytes', ofProcess)} / ${select('rdi_in_flight_bytes_limit', ofProcess)})`,
        },
      }),
    ],
    Traffic: [
      graph({
        title: 'HTTP answers by status',
        description: 'Every route. 4xx are mistakes of clients, 503 is saturation, other 5xx are faults.',
        unit: units.RequestsPerSecond,
        style: 'stacked',
        queries: { '{{status}}': sum('status', rate('http_request_duration_seconds_count', ofProcess)) },
      }),
      graph({
        title: 'Problems by type',
        description:
          'Images and requests answered with a problem document; docs/errors.md explains each type.',
        unit: units.RequestsPerSecond,
        style: 'stacked',
        queries: { '{{reason}}': sum('reason', rate('rdi_rejections_total', ofProcess)) },
      }),
      graph({
        title: 'Latency',
        description: 'From admission to answer, for one image. Details: dashboard Latency.',
        unit: units.Seconds,
        limits: [0.05, 0.1],
        queries: {
          p50: quantile(0.5, 'rdi_request_duration_seconds'),
          p95: quantile(0.95, 'rdi_request_duration_seconds'),
          p99: quantile(0.99, 'rdi_request_duration_seconds'),
        },
      }),
      graph({
        title: 'Share of each exit',
        description:
          'Where images leave. A shift towards deep exits costs compute. Details: dashboard Exits.',
        unit: units.PercentUnit,
        style: 'share',
        queries: {
          'exit {{exit}}': `${sum('exit', rate('rdi_predictions_total'))} / ignoring (exit) group_left () ${sum('', rate('rdi_predictions_total'))}`,
        },
      }),
      graph({
        title: 'FLOPs an image',
        description: 'Mean executed, and what the full network would have cost. Details: dashboard FLOPs.',
        unit: units.SiShort,
        queries: {
          executed: mean('rdi_request_flops'),
          'full network': `${sum('', rate('rdi_flops_full_total'))} / ${sum('', rate('rdi_request_flops_count'))}`,
        },
      }),
      graph({
        title: 'Worker utilisation',
        description:
          'Share of their time that the inference threads compute. Above 80 % queues grow: add replicas.',
        unit: units.PercentUnit,
        limits: [0.7, 0.85],
        queries: {
          '{{instance}}': `${sum('instance', rate('rdi_stage_duration_seconds_sum'))} / ${sum('instance', select('rdi_workers', ofProcess))}`,
        },
      }),
    ],
  },
});
