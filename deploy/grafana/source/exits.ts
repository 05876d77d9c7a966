// Where images leave the network, and how sure it was of them there.
import * as units from '@grafana/grafana-foundation-sdk/units';
import { createDashboard } from './dashboard.js';
import { graph, heatmap } from './panels.js';
import { buckets, mean, rate, sum } from './queries.js';

/** Each series of `by` over the total of all that agree in `over`. */
function share(by: string, over: string): string {
  const predictions = rate('rdi_predictions_total');
  return `${sum(by, predictions)} / on (${over}) group_left () ${sum(over, predictions)}`;
}

export const exits = createDashboard({
  name: 'exits',
  title: 'Exits',
  description: 'Where images leave the network, why, how sure it was, and what that saved.',
  rows: {
    Exits: [
      graph({
        title: 'Share of each exit',
        description:
          'Of all answered images. The final exit has the highest index. A lasting shift means that inputs have changed: compare with the certificate (dashboard Audit and certificates).',
        unit: units.PercentUnit,
        style: 'share',
        queries: { '{{model}} exit {{exit}}': share('model, exit', 'model') },
      }),
      graph({
        title: 'Reasons for leaving',
        description:
          'confident: the score cleared the threshold. final: the last exit. budget, deadline: stopped early for another reason, so uncertified.',
        unit: units.PercentUnit,
        style: 'share',
        queries: { '{{reason}}': share('reason', '') },
      }),
      graph({
        title: 'Depth',
        description: 'Segments run for one image, on average. 1: all leave at the first active exit.',
        unit: units.Short,
        queries: {
          '{{model}}': `${sum('model', rate('rdi_batch_size_sum'))} / ${sum('model', rate('rdi_predictions_total'))}`,
        },
      }),
      graph({
        title: 'Compute saved by model',
        description: '1 − FLOPs executed / FLOPs of the full network for the same images.',
        unit: units.PercentUnit,
        floors: [0.3, 0.1],
        queries: {
          '{{model}}': `1 - ${sum('model', rate('rdi_flops_total'))} / ${sum('model', rate('rdi_flops_full_total'))}`,
        },
      }),
    ],
    'By profile': [
      graph({
        title: 'Images by profile',
        description: 'Which profiles clients use.',
        unit: 'img/s',
        style: 'stacked',
        queries: { '{{model}} {{profile}}': sum('model, profile', rate('rdi_predictions_total')) },
      }),
      graph({
        title: 'First exit’s share by profile',
        description: 'The cheapest way out, for each profile. What falls here is paid for in FLOPs.',
        unit: units.PercentUnit,
        floors: [0.3, 0.1],
        queries: {
          '{{model}} {{profile}}': `${sum('model, profile', rate('rdi_predictions_total', { where: 'exit="0"' }))} / ${sum('model, profile', rate('rdi_predictions_total'))}`,
        },
      }),
    ],
    'How sure': [
      heatmap({
        title: 'Confidence',
        description:
          'Probability of the answered label. Mass that moves down: harder, shifted or hostile inputs.',
        unit: units.PercentUnit,
        query: buckets('rdi_confidence'),
      }),
      heatmap({
        title: 'Score at the exit taken',
        description: 'What the policy compares with the threshold. Entropy: lower is surer.',
        unit: units.Short,
        query: buckets('rdi_exit_score'),
      }),
      graph({
        title: 'Mean confidence by exit',
        description: 'Of the images that left there.',
        unit: units.PercentUnit,
        queries: { '{{model}} exit {{exit}}': mean('rdi_confidence', 'model, exit') },
      }),
      graph({
        title: 'Mean score by exit',
        description:
          'Of the images that left there. Moving at the first exit, up for entropy, down for other policies: images come closer to the threshold.',
        unit: units.Short,
        queries: { '{{model}} exit {{exit}}': mean('rdi_exit_score', 'model, exit') },
      }),
      graph({
        title: 'Images unlike the calibration images',
        description:
          'Of the images that were compared with them. About 1 % where the traffic is like them; more means that other images arrive.',
        unit: units.PercentUnit,
        queries: {
          '{{model}}': `${sum('model', rate('rdi_atypical_total'))} / ${sum('model', rate('rdi_typicality_count'))}`,
        },
      }),
    ],
  },
});
