// Metrics of the test for clients whose images go deeper than was certified.
import { Counter, type Registry } from 'prom-client';

export function slowdownMetrics(registers: Registry[]) {
  return {
    slowdownAlarms: new Counter({
      name: 'rdi_slowdown_alarms_total',
      help: 'Clients whose images were found to go deeper than was certified.',
      registers,
    }),
    slowdownCapped: new Counter({
      name: 'rdi_slowdown_capped_total',
      help: 'Images answered under the limit for clients with a slowdown alarm.',
      labelNames: ['model', 'version'],
      registers,
    }),
    slowdownSlowLane: new Counter({
      name: 'rdi_slowdown_slow_lane_total',
      help: 'Images of clients with a slowdown alarm that were served after those of others.',
      labelNames: ['model', 'version'],
      registers,
    }),
    slowdownForgotten: new Counter({
      name: 'rdi_slowdown_forgotten_total',
      help: 'Clients forgotten because more clients than are remembered sent images.',
      registers,
    }),
  };
}
