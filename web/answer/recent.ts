// The recent answers as a strip, with how many left at each exit and how much compute they saved. One model at a time:
// the exits of another are not comparable.
import { bar, element } from '../parts/elements.js';
import type { SentImage } from '../parts/files.js';
import { percentText } from '../parts/numbers.js';
import type { Answer, Model } from '../service/api.js';
import { neededFlops } from './comparison.js';

const MOST_KEPT = 24;

interface Entry {
  readonly image: SentImage;
  readonly answer: Answer;
}

export interface Recent {
  /** An image that is answered again, or a drawing that goes on, keeps its place. */
  note(image: SentImage, answer: Answer): void;
  restart(model: Model): void;
}

/** @param onChoose called when an image of the strip is chosen */
export function createRecent(
  strip: HTMLElement,
  histogram: HTMLElement,
  total: HTMLElement,
  onChoose: (image: SentImage) => void,
): Recent {
  let entries: readonly Entry[] = [];
  let exits = 0;

  function show(): void {
    strip.replaceChildren(...entries.map((entry) => element('li', {}, tile(entry, onChoose))));
    histogram.replaceChildren(...Array.from({ length: exits }, (_, exit) => share(entries, exit, exits)));
    total.textContent = entries.length === 0 ? 'No answers yet.' : savedText(entries);
  }

  return {
    note(image, answer) {
      const place = entries.findIndex((entry) => entry.image.key === image.key);
      const before = entries[place];
      if (before && before.image !== image) URL.revokeObjectURL(before.image.url);
      entries = before ? entries.with(place, { image, answer }) : [{ image, answer }, ...entries];
      for (const dropped of entries.slice(MOST_KEPT)) URL.revokeObjectURL(dropped.image.url);
      entries = entries.slice(0, MOST_KEPT);
      show();
    },
    restart(model) {
      for (const { image } of entries) URL.revokeObjectURL(image.url);
      entries = [];
      exits = model.exits.length;
      show();
    },
  };
}

function tile({ image, answer }: Entry, onChoose: (image: SentImage) => void): HTMLButtonElement {
  const { label, exit } = answer;
  const made = element(
    'button',
    { type: 'button', class: 'tile' },
    element('img', { src: image.url, alt: '' }),
    element('span', { class: 'label' }, label),
    element('span', { class: 'where' }, exit.index === exit.of - 1 ? 'final' : `exit ${exit.index + 1}`),
  );
  made.addEventListener('click', () => onChoose(image));
  return made;
}

function share(entries: readonly Entry[], exit: number, exits: number): HTMLElement {
  const count = entries.filter(({ answer }) => answer.exit.index === exit).length;
  const name = exit === exits - 1 ? 'Final exit' : `Exit ${exit + 1}`;
  return element(
    'div',
    {},
    element('dt', {}, name),
    element('dd', {}, bar(entries.length === 0 ? 0 : count / entries.length, 'accent'), `${count}`),
  );
}

function savedText(entries: readonly Entry[]): string {
  const needed = entries.reduce((sum, { answer }) => sum + neededFlops(answer), 0);
  const full = entries.reduce((sum, { answer }) => sum + answer.flops.full, 0);
  const images = entries.length === 1 ? '1 image' : `${entries.length} images`;
  return `${images}, ${percentText(needed / full)} of the full network’s compute.`;
}
