// All dashboards, in the order of their links.
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { certificates } from './certificates.js';
import { exits } from './exits.js';
import { flops } from './flops.js';
import { latency } from './latency.js';
import { overview } from './overview.js';
import { processDashboard } from './process.js';
import { queue } from './queue.js';

export const dashboards: readonly Dashboard[] = [
  overview,
  exits,
  latency,
  flops,
  queue,
  certificates,
  processDashboard,
];
