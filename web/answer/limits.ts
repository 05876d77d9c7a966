// What an answer may cost: a slider for maxFlops, from the cheapest exit of a profile to its whole path, which is no limit,
// and a field for deadlineMs.
import { byId } from '../parts/elements.js';
import { flopsText, percentText } from '../parts/numbers.js';
import type { Limits, Model, Profile } from '../service/api.js';

const STEPS = 100;
/** So that an image dragged along does not send a request for every step. */
const PAUSE_MS = 120;

export interface LimitFields {
  /** undefined: no limit. */
  chosen(): Limits | undefined;
  restart(model: Model, profile: Profile): void;
}

export function createLimits(onChange: () => void): LimitFields {
  const slider = byId('budget', HTMLInputElement);
  const text = byId('budget-text', HTMLOutputElement);
  const deadline = byId('deadline', HTMLInputElement);
  let [least, most, full] = [0, 0, 1];
  let timer = 0;

  function maxFlops(): number | undefined {
    const step = Number(slider.value);
    return step === STEPS ? undefined : Math.round(least + ((most - least) * step) / STEPS);
  }

  function show(): void {
    const limit = maxFlops();
    const shown = limit === undefined ? 'no limit' : `${flopsText(limit)}, ${percentText(limit / full)}`;
    text.textContent = shown;
    slider.setAttribute('aria-valuetext', shown);
  }

  for (const field of [slider, deadline]) {
    field.addEventListener('input', () => {
      show();
      clearTimeout(timer);
      timer = setTimeout(onChange, PAUSE_MS);
    });
  }

  return {
    chosen() {
      const flops = maxFlops();
      const deadlineMs =
        deadline.value === '' || !deadline.validity.valid ? undefined : deadline.valueAsNumber;
      if (flops === undefined && deadlineMs === undefined) return undefined;
      return {
        ...(flops !== undefined && { maxFlops: flops }),
        ...(deadlineMs !== undefined && { deadlineMs }),
      };
    },
    restart(model, { exits }) {
      [least, most, full] = [exits[0]?.flops ?? 0, exits.at(-1)?.flops ?? 0, model.flops];
      slider.value = `${STEPS}`;
      slider.disabled = least === most;
      show();
    },
  };
}
