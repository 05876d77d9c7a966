// How full it is: admission, queue, batches, workers.
import * as units from '@grafana/grafana-foundation-sdk/units';
import { createDashboard } from './dashboard.js';
import { graph, heatmap } from './panels.js';
import { anyInstance, buckets, mean, rate, select, sum } from './queries.js';

const ofProcess = { scope: anyInstance };

export const queue = createDashboard({
  name: 'queue',
  title: 'Batching and queue',
  description: 'How full the service is, how batches form, and what is refused or degraded.',
  rows: {
    Queue: [
      graph({
        title: 'Places taken',
        description:
          'Images in flight, and bytes of bodies, over the most that may be. At 100 % requests get 503 with Retry-After.',
        unit: units.PercentUnit,
        limits: [0.5, 0.8],
        queries: {
          'images {{instance}}': `${select('rdi_in_flight', ofProcess)} / ${select('rdi_in_flight_limit', ofProcess)}`,
          'bytes {{instance}}': `${select('rdi_in_flight_bytes', ofProcess)} / ${select('rdi_in_flight_bytes_limit', ofProcess)}`,
        },
      }),
      graph({
        title: 'Waiting and in flight',
        description: 'Images that wait for a worker, and all that are admitted and not yet answered.',
        unit: units.Short,
        queries: {
          'waiting {{instance}}': select('rdi_queue_depth', ofProcess),
          'in flight {{instance}}': select('rdi_in_flight', ofProcess),
        },
      }),
      heatmap({
        title: 'Time in the queue',
        description: 'From the end of decoding until a worker starts on the image.',
        unit: units.Seconds,
        query: buckets('rdi_queue_wait_seconds'),
      }),
      graph({
        title: 'Refused for lack of room',
        description: '503 saturated (all places taken), worker-lost; 504 deadline-exceeded in the queue.',
        unit: units.RequestsPerSecond,
        style: 'stacked',
        queries: {
          '{{reason}}': sum(
            'reason',
            rate('rdi_rejections_total', {
              where: 'reason=~"saturated|worker-lost|deadline-exceeded"',
              ...ofProcess,
            }),
          ),
        },
      }),
    ],
    Degradation: [
      graph({
        title: 'Expected wait',
        description:
          'Engine time of the waiting images over the number of workers. Above the target of the ladder requests are degraded.',
        unit: units.Seconds,
        queries: {
          '{{instance}}': select('rdi_expected_wait_seconds', ofProcess),
          'target {{instance}}': `${select('rdi_ladder_target_seconds', ofProcess)} > 0`,
        },
      }),
      graph({
        title: 'Rung',
        description: 'Of the ladder, for requests without a profile; 0 is the default profile.',
        unit: units.Short,
        limits: [1, 2],
        queries: { '{{model}} {{instance}}': select('rdi_ladder_rung') },
      }),
      graph({
        title: 'Degraded answers',
        description: 'Answers under a cheaper certified profile than the default one, by profile.',
        unit: units.RequestsPerSecond,
        style: 'stacked',
        queries: { '{{model}} {{profile}}': sum('model, profile', rate('rdi_degraded_total')) },
      }),
      graph({
        title: 'Moves on the ladder',
        description:
          'Per minute. More than one of each kind in a few minutes: the load varies around the capacity.',
        unit: units.Short,
        queries: {
          '{{model}} {{direction}}': `60 * ${sum('model, direction', rate('rdi_ladder_moves_total'))}`,
        },
      }),
    ],
    Batches: [
      graph({
        title: 'Mean batch by stage',
        description:
          'Images in one engine call. Batches form only while all workers are busy, and thin out as images leave.',
        unit: units.Short,
        queries: { '{{model}} to exit {{stage}}': mean('rdi_batch_size', 'model, stage') },
      }),
      heatmap({
        title: 'Batch size',
        description: 'At the right edge all the time: RDI_MAX_BATCH limits throughput.',
        unit: units.Short,
        query: buckets('rdi_batch_size'),
      }),
      graph({
        title: 'Engine calls',
        description: 'By the exit at which the segment ends.',
        unit: 'ops',
        style: 'stacked',
        queries: {
          '{{model}} to exit {{stage}}': sum('model, stage', rate('rdi_stage_duration_seconds_count')),
        },
      }),
      graph({
        title: 'Worker utilisation',
        description: 'Share of their time that the inference threads compute. Above 80 % queues grow.',
        unit: units.PercentUnit,
        limits: [0.7, 0.85],
        queries: {
          '{{instance}}': `${sum('instance', rate('rdi_stage_duration_seconds_sum'))} / ${sum('instance', select('rdi_workers', ofProcess))}`,
        },
      }),
    ],
  },
});
