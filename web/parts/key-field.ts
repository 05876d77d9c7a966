// The field for an API key, shown only where the service asks for one.
import { Problem, useKey } from '../service/api.js';
import { byId } from './elements.js';

/**
 * @param onProblem called with every problem but a missing key
 * @returns a function that runs `load`; if the service demands a key, it asks for one, and runs `load` again with it
 */
export function createKeyField(load: () => Promise<void>, onProblem: (problem: Problem) => void) {
  const form = byId('key-form', HTMLFormElement);
  const field = byId('key', HTMLInputElement);
  const wrong = byId('key-wrong', HTMLElement);

  async function attempt(): Promise<void> {
    try {
      await load();
      form.hidden = true;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.status !== 401) return onProblem(error);
      wrong.textContent = field.value === '' ? '' : 'The service does not know this key.';
      form.hidden = false;
      field.focus();
    }
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    useKey(field.value.trim());
    void attempt();
  });
  return attempt;
}
