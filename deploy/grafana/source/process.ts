// The Node.js process: event loop, memory, processor, restarts.
import * as units from '@grafana/grafana-foundation-sdk/units';
import { createDashboard } from './dashboard.js';
import { graph } from './panels.js';
import { anyInstance, rate, select, sum } from './queries.js';

const ofProcess = { scope: anyInstance };
const each = (metric: string) => select(metric, ofProcess);

export const processDashboard = createDashboard({
  name: 'process',
  title: 'Process',
  description: 'The Node.js process behind each instance.',
  rows: {
    'Event loop and processor': [
      graph({
        title: 'Event loop delay',
        description: 'HTTP and decoding of small images share one thread. Above 100 ms all requests wait.',
        unit: units.Seconds,
        limits: [0.05, 0.1],
        queries: {
          'p99 {{instance}}': each('nodejs_eventloop_lag_p99_seconds'),
          'mean {{instance}}': each('nodejs_eventloop_lag_mean_seconds'),
        },
      }),
      graph({
        title: 'Processor',
        description:
          'Cores in use. About RDI_WORKERS plus one when busy; flat below that under load: throttled.',
        unit: units.Short,
        queries: { '{{instance}}': rate('process_cpu_seconds_total', ofProcess) },
      }),
    ],
    Memory: [
      graph({
        title: 'Memory',
        description:
          'Resident memory, and the JavaScript heap in use. Models and tensors are outside the heap.',
        unit: units.BytesIEC,
        queries: {
          'resident {{instance}}': each('process_resident_memory_bytes'),
          'heap {{instance}}': each('nodejs_heap_size_used_bytes'),
          'external {{instance}}': each('nodejs_external_memory_bytes'),
        },
      }),
      graph({
        title: 'Garbage collection',
        description:
          'Share of time spent collecting, by kind. Major collections above a few percent: memory is short.',
        unit: units.PercentUnit,
        limits: [0.05, 0.15],
        queries: {
          '{{kind}} {{instance}}': sum('kind, instance', rate('nodejs_gc_duration_seconds_sum', ofProcess)),
        },
      }),
    ],
    'Faults and restarts': [
      graph({
        title: 'Workers replaced',
        description: 'Inference threads that died. Any is a fault: see the runbook of RdiWorkerRestarts.',
        unit: units.Short,
        limits: [1, 3],
        queries: { '{{instance}}': `increase(${each('rdi_worker_restarts_total')}[$__rate_interval])` },
      }),
      graph({
        title: 'Log lines dropped',
        description: 'Standard output takes no lines: its disk is full, or its reader has stopped reading.',
        unit: units.Short,
        limits: [1, 100],
        queries: { '{{instance}}': `increase(${each('rdi_log_lines_dropped_total')}[$__rate_interval])` },
      }),
      graph({
        title: 'Uptime',
        description: 'Since the process started. A saw tooth is a crash loop.',
        unit: units.Seconds,
        queries: { '{{instance}}': `time() - ${each('process_start_time_seconds')}` },
      }),
      graph({
        title: 'Open files',
        description: 'Sockets and files over what the system allows.',
        unit: units.PercentUnit,
        limits: [0.5, 0.8],
        queries: { '{{instance}}': `${each('process_open_fds')} / ${each('process_max_fds')}` },
      }),
      graph({
        title: 'What keeps the event loop busy',
        description: 'Sockets, timers, file and network requests under way, by type.',
        unit: units.Short,
        queries: { '{{type}} {{instance}}': each('nodejs_active_resources') },
      }),
    ],
  },
});
