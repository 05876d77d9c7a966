// The answer in a sentence, and beside it what the full network says and costs.

import { bar, element } from '../parts/elements.js';
import { flopsText, percentText } from '../parts/numbers.js';
import type { Answer, Model } from '../service/api.js';

/** FLOPs that the image needs without the explanation. */
export function neededFlops({ exit, explanation, flops }: Answer): number {
  return explanation?.exits.find(({ index }) => index === exit.index)?.flops ?? flops.executed;
}

/** All of the answer but its label. */
export function verdictText(answer: Answer): string {
  const { confidence, exit, flops } = answer;
  const share = percentText(neededFlops(answer) / flops.full);
  const where = exit.index === exit.of - 1 ? 'the final exit' : `exit ${exit.index + 1} of ${exit.of}`;
  return `${percentText(confidence)} sure. Left at ${where}, after ${share} of the compute.`;
}

export function showComparison(
  place: HTMLElement,
  model: Model,
  answer: Answer | undefined,
  whole: Answer | undefined,
): void {
  if (!answer) {
    place.replaceChildren(element('p', { class: 'note' }, 'Appears with the first answer.'));
    return;
  }
  const last = whole?.explanation?.exits.at(-1);
  const full = last?.index === model.exits.length - 1 ? last.top[0] : undefined;
  const needed = neededFlops(answer);
  const rows = [
    row('With early exit', answer.label, answer.confidence, needed, model.flops, 'accent'),
    ...(full ? [row('Full network', full.label, full.probability, model.flops, model.flops, '')] : []),
  ];
  place.replaceChildren(element('dl', { class: 'comparison' }, ...rows.flat()));
  if (full) place.append(element('p', { class: 'outcome' }, outcomeText(answer, full.label, needed)));
}

function row(
  name: string,
  label: string,
  probability: number,
  flops: number,
  most: number,
  kind: string,
): HTMLElement[] {
  return [
    element(
      'div',
      {},
      element('dt', {}, name),
      element('dd', { class: 'answer' }, `${label} · ${percentText(probability)}`),
      element('dd', { class: 'cost' }, bar(flops / most, kind), element('span', {}, flopsText(flops))),
    ),
  ];
}

function outcomeText({ label, flops }: Answer, fullLabel: string, needed: number): string {
  const same = label === fullLabel ? 'Same answer' : 'Another answer than the full network’s';
  const saved = 1 - needed / flops.full;
  if (saved >= 0) return `${same}, ${percentText(saved)} of the compute saved.`;
  return `${same}, ${percentText(-saved)} more compute: the exits on the way cost something too.`;
}
