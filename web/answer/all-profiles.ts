// One image under every profile of a model, in a table.
import { element } from '../parts/elements.js';
import { flopsText, percentText } from '../parts/numbers.js';
import type { Answer, Model, Profile } from '../service/api.js';

export interface ProfileAnswer {
  readonly profile: Profile;
  readonly answer: Answer;
}

export function showProfiles(
  body: HTMLTableSectionElement,
  model: Model,
  answers: readonly ProfileAnswer[],
): void {
  body.replaceChildren(
    ...answers.map(({ profile, answer }) => {
      const { label, confidence, exit, flops } = answer;
      return element(
        'tr',
        {},
        element('th', { scope: 'row' }, profile.name),
        element('td', {}, `${label} · ${percentText(confidence)}`),
        element(
          'td',
          {},
          exit.index === model.exits.length - 1 ? 'final' : `${exit.index + 1} of ${exit.of}`,
        ),
        element('td', {}, `${flopsText(flops.executed)} · ${percentText(flops.executed / flops.full)}`),
      );
    }),
  );
}
