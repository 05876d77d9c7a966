// Do the promises hold? Models and certificates as served, uncertified answers.
import * as units from '@grafana/grafana-foundation-sdk/units';
import { createDashboard } from './dashboard.js';
import { graph, table } from './panels.js';
import { rate, select, sum } from './queries.js';

const bookkeeping = ['__name__', 'job', 'Value'];

export const certificates = createDashboard({
  name: 'certificates',
  title: 'Audit and certificates',
  description:
    'Which models and profiles are served, what is certified, and whether traffic still looks like it.',
  rows: {
    'What is served': [
      table({
        title: 'Models',
        description: 'One row for each package and instance. refused: GET /models says why.',
        unit: units.Short,
        hidden: bookkeeping,
        queries: { models: select('rdi_model_info') },
      }),
      table({
        title: 'Default versions',
        description: 'The version of each model that requests get which name none. pinned: a file says so.',
        unit: units.Short,
        hidden: bookkeeping,
        queries: { versions: select('rdi_model_default_info') },
      }),
      graph({
        title: 'Answers by version',
        description: 'Who answers: at a rollout, one version takes over from the other.',
        unit: 'img/s',
        style: 'stacked',
        queries: { '{{model}} {{version}}': sum('model, version', rate('rdi_predictions_total')) },
      }),
      table({
        title: 'Certificates',
        description:
          'valid: the thresholds carry a certificate for exactly these files. invalid: made for other files, served as uncertified. none: never certified.',
        unit: units.Short,
        hidden: bookkeeping,
        queries: { certificates: select('rdi_certificate_info') },
      }),
    ],
    'Do they hold?': [
      graph({
        title: 'Evidence against the certificate',
        description:
          'What a bet of 1 against the certificate has become, from audited answers. At 1/α (100) the alarm is raised and the profile served with full.',
        unit: units.Short,
        limits: [10, 100],
        queries: { '{{instance}} {{model}} {{version}} {{profile}}': select('rdi_audit_evidence') },
      }),
      graph({
        title: 'Audited answers',
        description:
          'Answers drawn for the audit. differed: the full network says something else. dropped: no place. failed: no comparison.',
        unit: 'img/s',
        style: 'stacked',
        queries: { '{{result}}': sum('result', rate('rdi_audit_samples_total')) },
      }),
      graph({
        title: 'Exit drift',
        description:
          'Share of images that leave elsewhere than at certification. High: the traffic is not like the calibration images any more.',
        unit: units.PercentUnit,
        limits: [0.05, 0.1],
        queries: {
          '{{model}} {{version}} {{profile}}': `model_profile:rdi_exit_drift:ratio_rate1h{model=~"$model", version=~"$version"}`,
        },
      }),
      table({
        title: 'Alarms and refused changes',
        description: '1: an audit alarm, or changed profiles that cannot be served.',
        unit: units.Short,
        hidden: bookkeeping,
        queries: {
          alarms: `${select('rdi_audit_alarm')} == 1`,
          refused: `${select('rdi_calibration_refused')} == 1`,
        },
      }),
    ],
    Answers: [
      graph({
        title: 'Uncertified answers',
        description:
          'Share of answers that left the calibrated path (budget, deadline) or came from a profile without a valid certificate.',
        unit: units.PercentUnit,
        limits: [0.05, 0.1],
        queries: {
          '{{model}} {{version}}': `model:rdi_uncertified:ratio_rate30m{model=~"$model", version=~"$version"}`,
        },
      }),
      graph({
        title: 'Stopped early',
        description:
          'Images that a limit of their request cut short. budget: maxExit or maxFlops. deadline: deadlineMs had passed.',
        unit: 'img/s',
        style: 'stacked',
        queries: {
          '{{reason}}': sum('reason', rate('rdi_predictions_total', { where: 'reason!~"confident|final"' })),
        },
      }),
    ],
  },
});
