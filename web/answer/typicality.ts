// Whether an image looks like those that the model was calibrated on, in a plain sentence.
import type { Answer } from '../service/api.js';

/** Says something only where the image is not typical. */
export function showTypicality(place: HTMLElement, answer: Answer | undefined): void {
  const { typicality } = answer ?? {};
  place.textContent = typicality?.typical === false ? sentence(typicality.pValue) : '';
}

function sentence(pValue: number): string {
  const thousandths = Math.max(1, Math.ceil(1000 * pValue));
  return (
    `This image looks unlike those that the model was calibrated on: at most ${thousandths} in 1,000 of these look so ` +
    'unusual. The answer may mean nothing, and no promise covers such images.'
  );
}
