// Metrics of the ladders on which requests are degraded under load.
import { Counter, Gauge, type Registry } from 'prom-client';

export function ladderMetrics(registers: Registry[]) {
  return {
    ladderRung: new Gauge({
      name: 'rdi_ladder_rung',
      help: 'Rung of the ladder that requests without a profile get, from 0: the default profile.',
      labelNames: ['model', 'version'],
      registers,
    }),
    ladderMoves: new Counter({
      name: 'rdi_ladder_moves_total',
      help: 'Moves on the ladder; direction is degrade (to a cheaper profile) or restore.',
      labelNames: ['model', 'version', 'direction'],
      registers,
    }),
    ladderRefused: new Gauge({
      name: 'rdi_ladder_refused',
      help: '1 while the model is served without the ladder because its profiles do not fit.',
      labelNames: ['model', 'version'],
      registers,
    }),
    ladderTarget: new Gauge({
      name: 'rdi_ladder_target_seconds',
      help: 'Expected wait above which requests are degraded; 0 without a ladder.',
      registers,
    }),
    degraded: new Counter({
      name: 'rdi_degraded_total',
      help: 'Images answered under a cheaper profile of the ladder than the default one.',
      labelNames: ['model', 'version', 'profile'],
      registers,
    }),
  };
}
