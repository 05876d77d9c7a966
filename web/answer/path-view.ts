// The way through the network: a list of gates, one for every exit, from the image to the final exit.

import { bar, element } from '../parts/elements.js';
import { flopsText, percentText, scoreText } from '../parts/numbers.js';
import type { Answer, ExplainedExit, Model, Profile } from '../service/api.js';
import { policyWords } from '../service/policies.js';

const MOST_CLASSES = 3;

export interface PathState {
  readonly model: Model;
  readonly profile: Profile;
  readonly answer?: Answer | undefined;
  /** What every exit said, in a run without a budget. */
  readonly whole?: Answer | undefined;
}

/** taken: the image left here. passed: it ran on. skipped: it never came here. waiting: there is no image yet. */
type Fate = 'taken' | 'passed' | 'skipped' | 'waiting';

export function showPath(list: HTMLOListElement, state: PathState): void {
  list.replaceChildren(...state.model.exits.map((_, index) => gate(state, index)));
}

function gate(state: PathState, index: number): HTMLLIElement {
  const { model, profile, answer, whole } = state;
  const step = profile.exits.find((one) => one.index === index);
  const name = index === model.exits.length - 1 ? 'Final exit' : `Exit ${index + 1}`;
  const isLimit = answer?.exit.index === index && !step;
  if (!step && !isLimit) {
    return element(
      'li',
      { class: 'gate off' },
      element('h3', {}, name),
      element('p', { class: 'note' }, 'Off in this profile: it is not even computed.'),
    );
  }
  const fate = fateOf(answer, index);
  const said = (fate === 'skipped' ? whole : answer)?.explanation?.exits.find((one) => one.index === index);
  const flops = said?.flops ?? step?.flops ?? 0;
  return element(
    'li',
    { class: `gate ${fate}`, ...(fate === 'taken' && { 'aria-current': 'step' }) },
    element(
      'div',
      { class: 'head' },
      element('h3', {}, name),
      element('span', { class: 'badge' }, badgeOf(fate, answer, said !== undefined)),
      element('span', { class: 'cost' }, `${flopsText(flops)} · ${percentText(flops / model.flops)}`),
    ),
    ...(said
      ? [probabilities(said, fate), meter(said, profile)]
      : [element('p', { class: 'note' }, waitingText(state, index, fate))]),
  );
}

function fateOf(answer: Answer | undefined, index: number): Fate {
  if (!answer) return 'waiting';
  if (index === answer.exit.index) return 'taken';
  return index < answer.exit.index ? 'passed' : 'skipped';
}

function badgeOf(fate: Fate, answer: Answer | undefined, isKnown: boolean): string {
  if (fate === 'passed') return 'not sure, ran on';
  if (fate === 'skipped') return isKnown ? 'skipped; it would have said' : 'skipped';
  if (fate === 'waiting') return '';
  const reasons: Readonly<Record<string, string>> = {
    confident: 'sure enough, left here',
    final: 'answered here',
    budget: 'budget ended, left here',
    deadline: 'deadline passed, left here',
  };
  return reasons[answer?.exit.reason ?? ''] ?? 'left here';
}

function waitingText({ profile }: PathState, index: number, fate: Fate): string {
  if (fate === 'skipped') return 'Never computed for this image.';
  const threshold = profile.exits.find((one) => one.index === index)?.threshold ?? null;
  if (threshold === null) return 'Whoever comes this far is answered here.';
  const { score, leaves } = policyWords(profile.policy);
  return `An image ${leaves} ${score} ${scoreText(threshold)}.`;
}

function probabilities(said: ExplainedExit, fate: Fate): HTMLElement {
  const rows = said.top
    .slice(0, MOST_CLASSES)
    .map(({ label, probability }) =>
      element(
        'div',
        { class: 'class-row', role: 'listitem' },
        element('span', { class: 'label' }, label),
        bar(probability),
        element('span', { class: 'number' }, percentText(probability)),
      ),
    );
  const label = fate === 'skipped' ? 'It would have said' : 'It says';
  return element('div', { class: 'classes', role: 'list', 'aria-label': label }, ...rows);
}

/** The score against the threshold, as a text and as a scale on which the side of leaving is marked. */
function meter(said: ExplainedExit, profile: Profile): HTMLElement {
  const { score: name, leaves, surer } = policyWords(profile.policy);
  const { score, threshold } = said;
  if (threshold === null) return element('p', { class: 'note' }, 'No threshold: this exit always answers.');
  const most = profile.policy === 'patience' ? Math.max(profile.exits.length, 1) : 1;
  // Doubts of interest are near 0, so their scale is stretched there.
  const place = (value: number) => `${surer === 'lower' ? Math.sqrt(value) : value / most}`;
  const scale = element(
    'span',
    { class: `scale ${surer}${said.cleared ? ' cleared' : ''}`, 'aria-hidden': 'true' },
    element('span', { class: 'side' }),
    element('span', { class: 'mark' }),
  );
  scale.style.setProperty('--score', place(score));
  scale.style.setProperty('--threshold', place(threshold));
  const text = `${name} ${scoreText(score)}, ${leaves} ${scoreText(threshold)}`;
  return element('p', { class: 'meter' }, scale, element('span', {}, text));
}
