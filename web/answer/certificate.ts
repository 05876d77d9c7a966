// What a profile's certificate promises, in plain words.
import { element } from '../parts/elements.js';
import { countText, statedPercent } from '../parts/numbers.js';
import type { Answer, Profile, Risk } from '../service/api.js';

export function showCertificate(place: HTMLElement, profile: Profile, answer: Answer | undefined): void {
  place.replaceChildren(...promises(profile), ...about(answer, profile));
}

/** The promise that matters most, in a sentence; without one, what the profile's author says. */
export function shortPromise({ description, certificate: checked }: Profile): string {
  const [first] = checked?.valid ? checked.certificate.risks : [];
  return first ? `Certified: ${riskText(first)}.` : description;
}

function promises({ name, certificate: checked }: Profile): HTMLElement[] {
  const text = (content: string) => element('p', {}, content);
  if (name === 'full') {
    return [
      text('full runs every image to the final exit. It is what the other profiles are compared with.'),
    ];
  }
  if (!checked) {
    return [
      text('No certificate: nobody has tested how often this profile answers otherwise than the network.'),
    ];
  }
  if (!checked.valid) return [text(`The certificate is not valid: ${checked.reason}.`)];
  const { delta, risks, images, statement, flops } = checked.certificate;
  const promised = risks.map((risk) => element('li', {}, `${riskText(risk)};`));
  if (flops.budget !== undefined) promised.push(element('li', {}, 'The mean compute is within its budget.'));
  return [
    text(`With ${statedPercent(1 - delta)} confidence, on images like those it was tested on:`),
    element('ul', {}, ...promised),
    text(`Tested on ${countText(images.cal)} images that had no part in choosing the thresholds.`),
    element('details', {}, element('summary', {}, 'The exact statement'), text(statement)),
  ];
}

function riskText({ loss, data, epsilon }: Risk): string {
  const share = statedPercent(epsilon);
  const where = data === 'adversarial' ? ' on copies of such images that an attacker changed' : '';
  if (loss === 'consistency') return `at most ${share} of answers differ from the full network’s${where}`;
  const points = share.replace(' %', ' percentage points');
  return `accuracy is at most ${points} below the full network’s${where}`;
}

function about(answer: Answer | undefined, { name }: Profile): HTMLElement[] {
  if (!answer || (answer.certified && answer.profile === name)) return [];
  const why = {
    budget: 'A budget ended its way, so no promise covers this answer.',
    deadline: 'A deadline ended its way, so no promise covers this answer.',
  }[answer.exit.reason];
  if (answer.profile !== name) {
    return [
      element(
        'p',
        { class: 'warning' },
        `Answered with ${answer.profile}: the audit of ${name} raised an alarm.`,
      ),
    ];
  }
  return why === undefined ? [] : [element('p', { class: 'warning' }, why)];
}
