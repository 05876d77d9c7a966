// What requests cost: FLOPs executed, one by one and in total.
import * as units from '@grafana/grafana-foundation-sdk/units';
import { createDashboard } from './dashboard.js';
import { graph, heatmap, stat } from './panels.js';
import { anyInstance, buckets, mean, quantile, rate, select, sum } from './queries.js';

const ofProcess = { scope: anyInstance };

export const flops = createDashboard({
  name: 'flops',
  title: 'FLOPs',
  description: 'FLOPs (2 × multiply-accumulates, heads included) executed for each request and in total.',
  rows: {
    'Over the chosen time': [
      stat({
        title: 'Compute saved',
        description:
          'Of what the full network would have executed for the same images, over the chosen time.',
        unit: units.PercentUnit,
        floors: [0.3, 0.1],
        span: 8,
        queries: {
          saved: `1 - ${sum('', `increase(${select('rdi_flops_total')}[$__range])`)} / ${sum('', `increase(${select('rdi_flops_full_total')}[$__range])`)}`,
        },
      }),
      stat({
        title: 'FLOPs executed',
        description: 'Over the chosen time, heads included.',
        unit: units.SiShort,
        span: 8,
        queries: { executed: sum('', `increase(${select('rdi_flops_total')}[$__range])`) },
      }),
      stat({
        title: 'FLOPs an image',
        description: 'Mean over the chosen time.',
        unit: units.SiShort,
        span: 8,
        queries: {
          mean: `${sum('', `increase(${select('rdi_request_flops_sum')}[$__range])`)} / ${sum('', `increase(${select('rdi_request_flops_count')}[$__range])`)}`,
        },
      }),
    ],
    'Each request': [
      heatmap({
        title: 'FLOPs a request',
        description: 'The buckets are the costs of leaving at each exit: each band is an exit.',
        unit: units.SiShort,
        query: buckets('rdi_request_flops'),
      }),
      graph({
        title: 'FLOPs a request by model',
        description: 'Mean and 95th percentile. A slow climb without more traffic may be a slowdown attack.',
        unit: units.SiShort,
        queries: {
          '{{model}} mean': mean('rdi_request_flops', 'model'),
          '{{model}} p95': quantile(0.95, 'rdi_request_flops', 'model'),
        },
      }),
    ],
    'In total': [
      graph({
        title: 'FLOPs a second',
        description: 'Executed, and what the full network would have executed for the same images.',
        unit: units.FlopsPerSecond,
        queries: {
          executed: sum('', rate('rdi_flops_total')),
          'full network': sum('', rate('rdi_flops_full_total')),
        },
      }),
      graph({
        title: 'FLOPs for a second of computing',
        description:
          'How fast the engine computes. It falls when cores are shared or throttled, or the engine fell back to a slower one.',
        unit: units.FlopsPerSecond,
        queries: {
          '{{instance}}': `${sum('instance', rate('rdi_flops_total'))} / ${sum('instance', rate('rdi_stage_duration_seconds_sum'))}`,
        },
      }),
    ],
    'By client': [
      graph({
        title: 'FLOPs a second by client',
        description: 'Executed for the images of each client that has an API key.',
        unit: units.FlopsPerSecond,
        style: 'stacked',
        queries: { '{{client}}': sum('client', rate('rdi_client_flops_total', ofProcess)) },
      }),
      graph({
        title: 'Share of the budget',
        description: 'What each client with a budget uses of it. At 100 % further requests get 429.',
        unit: units.PercentUnit,
        limits: [0.8, 1],
        queries: {
          '{{client}} {{instance}}': `${sum('instance, client', rate('rdi_client_flops_total', ofProcess))} / ${sum('instance, client', select('rdi_client_budget_flops_per_second', ofProcess))}`,
        },
      }),
      graph({
        title: 'Refused for their budgets',
        description: '429 budget-exceeded, with Retry-After.',
        unit: units.RequestsPerSecond,
        style: 'stacked',
        queries: { '{{client}}': sum('client', rate('rdi_client_refusals_total', ofProcess)) },
      }),
    ],
  },
});
