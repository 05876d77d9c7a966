// The page at /status: what is served, from GET /models, and what it does, from GET /metrics. Read only.
import { announce } from './parts/announce.js';
import { bar, byId, element } from './parts/elements.js';
import { createKeyField } from './parts/key-field.js';
import { countText, flopsText, percentText, statedPercent } from './parts/numbers.js';
import {
  listModels,
  type Model,
  type ModelList,
  type Problem,
  type Profile,
  type Risk,
  readMetrics,
} from './service/api.js';
import { type Metrics, readExposition } from './service/exposition.js';

const REFRESH_MS = 5000;

async function refresh(): Promise<void> {
  const [list, text] = await Promise.all([listModels(), readMetrics()]);
  const metrics = readExposition(text);
  showServer(list, metrics);
  const cards = [...list.models.map((model) => modelCard(model, metrics)), ...refusedCard(list)];
  byId('models', HTMLElement).replaceChildren(...cards);
  byId('workbench', HTMLElement).hidden = false;
  byId('problem', HTMLElement).textContent = '';
  byId('updated', HTMLElement).textContent =
    `As of ${new Date().toLocaleTimeString('en', { hour12: false })}`;
}

function showServer({ engine }: ModelList, metrics: Metrics): void {
  const figures: [name: string, value: string][] = [
    ['Engine', `${engine.name}, ${engine.device}`],
    ['Worker threads', countText(engine.workers)],
    ['Images in flight', countText(metrics.sum('rdi_in_flight'))],
    ['Waiting for a worker', countText(metrics.sum('rdi_queue_depth'))],
    ['Answers', countText(metrics.sum('rdi_predictions_total'))],
    ['Rejected', countText(metrics.sum('rdi_rejections_total'))],
    ['Workers restarted', countText(metrics.sum('rdi_worker_restarts_total'))],
  ];
  byId('server', HTMLElement).replaceChildren(...figures.map(figure));
}

function figure([name, value]: readonly [string, string]): HTMLElement {
  return element('div', {}, element('dt', {}, name), element('dd', {}, value));
}

function modelCard(model: Model, metrics: Metrics): HTMLElement {
  const labels = { model: model.name, version: model.version };
  const answers = metrics.sum('rdi_predictions_total', labels);
  const [executed, full] = [
    metrics.sum('rdi_flops_total', labels),
    metrics.sum('rdi_flops_full_total', labels),
  ];
  const id = `model-${model.name}-${model.version}`;
  const rows = model.profiles.map((profile) => profileRow(model, profile, metrics));
  return element(
    'section',
    { class: 'card', 'aria-labelledby': id },
    element('h2', { id }, `${model.name}, version ${model.version}`),
    element('p', { class: 'note' }, model.description),
    element(
      'dl',
      { class: 'figures' },
      figure(['Answers', countText(answers)]),
      figure(['Compute used', full === 0 ? '–' : percentText(executed / full)]),
      figure(['Full network', flopsText(model.flops)]),
      figure(['Classes', countText(model.classes.length)]),
    ),
    ...exitShares(model, metrics, answers),
    element(
      'div',
      { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': `Profiles of ${model.name}` },
      element('table', {}, tableHead(), element('tbody', {}, ...rows)),
    ),
  );
}

function exitShares(model: Model, metrics: Metrics, answers: number): HTMLElement[] {
  if (answers === 0) return [];
  const rows = model.exits.map(({ index, name }) => {
    const labels = { model: model.name, version: model.version, exit: `${index}` };
    const count = metrics.sum('rdi_predictions_total', labels);
    const share = count / answers;
    const text = `${countText(count)} · ${percentText(share)}`;
    return element(
      'div',
      {},
      element('dt', {}, name),
      element('dd', {}, bar(share, 'accent'), element('span', {}, text)),
    );
  });
  return [element('dl', { class: 'shares' }, ...rows)];
}

function tableHead(): HTMLElement {
  const names = ['Profile', 'Policy', 'Certificate', 'Audit', 'Answers'];
  const cells = names.map((name) => element('th', { scope: 'col' }, name));
  return element('thead', {}, element('tr', {}, ...cells));
}

function profileRow(model: Model, profile: Profile, metrics: Metrics): HTMLElement {
  const labels = { model: model.name, version: model.version, profile: profile.name };
  const isDefault = profile.name === model.defaultProfile;
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, isDefault ? `${profile.name} (default)` : profile.name),
    element('td', {}, profile.name === 'full' ? '–' : profile.policy),
    element('td', {}, certificateText(profile)),
    element('td', profile.audit?.alarm ? { class: 'warning' } : {}, auditText(profile)),
    element('td', {}, countText(metrics.sum('rdi_predictions_total', labels))),
  );
}

function certificateText({ name, certificate: checked }: Profile): string {
  if (name === 'full') return 'needs none';
  if (!checked) return 'none';
  if (!checked.valid) return `not valid: ${checked.reason}`;
  const { risks, delta, date } = checked.certificate;
  return `${risks.map(limitText).join(', ') || 'budget'}; confidence ${statedPercent(1 - delta)}; ${date.slice(0, 10)}`;
}

/** Such as "≤ 0.5 % of answers differ": the names of the losses alone would read as if little were promised. */
function limitText({ loss, data, epsilon }: Risk): string {
  const share = statedPercent(epsilon);
  const where = data === 'adversarial' ? ' under attack' : '';
  if (loss === 'consistency') return `≤ ${share} of answers differ${where}`;
  return `accuracy lower by ≤ ${share.replace(' %', ' points')}${where}`;
}

function auditText({ audit }: Profile): string {
  if (!audit) return '–';
  const counts = `${countText(audit.agreed)} agreed, ${countText(audit.differed)} differed`;
  return audit.alarm ? `Alarm: served with full. ${counts}` : counts;
}

function refusedCard({ refused }: ModelList): HTMLElement[] {
  if (refused.length === 0) return [];
  const items = refused.map(({ name, version, reason }) =>
    element('li', {}, element('strong', {}, `${name}/${version}`), ` ${reason}`),
  );
  return [
    element(
      'section',
      { class: 'card', 'aria-labelledby': 'refused-title' },
      element('h2', { id: 'refused-title' }, 'Refused packages'),
      element('ul', {}, ...items),
    ),
  ];
}

function showProblem({ title, message }: Problem): void {
  byId('problem', HTMLElement).textContent = `${title}. ${message}`;
}

const again = createKeyField(refresh, showProblem);
byId('refresh', HTMLElement).addEventListener('click', () => void again().then(() => announce('Updated.')));
void again();
setInterval(() => {
  const isHidden = document.hidden || byId('workbench', HTMLElement).hidden;
  // A reader in the middle of a table is not disturbed.
  const isRead = byId('models', HTMLElement).contains(document.activeElement);
  if (!isHidden && !isRead) void again();
}, REFRESH_MS);
