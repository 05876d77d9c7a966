// The field for an API key, made only where the service asks for one. Both pages have it above their content.
import { Problem, useKey } from '../service/api.js';
import { byId, element } from './elements.js';

/**
 * @param onProblem called with every problem but a missing key
 * @returns a function that runs `load`; if the service demands a key, it asks for one, and runs `load` again with it
 */
export function createKeyField(load: () => Promise<void>, onProblem: (problem: Problem) => void) {
  const described = { 'aria-describedby': 'key-note key-wrong', autocomplete: 'off', spellcheck: 'false' };
  const field = element('input', { id: 'key', type: 'password', ...described });
  const wrong = element('p', { id: 'key-wrong', class: 'warning', role: 'alert' });
  const form = element(
    'form',
    { class: 'card notice' },
    element('label', { for: 'key' }, 'This service needs an API key'),
    element(
      'div',
      { class: 'row' },
      field,
      element('button', { type: 'submit', class: 'primary' }, 'Use this key'),
    ),
    wrong,
    element(
      'p',
      { id: 'key-note', class: 'note' },
      'The key stays in the memory of this page. It is gone when the page is closed.',
    ),
  );

  async function attempt(): Promise<void> {
    try {
      await load();
      form.remove();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.status !== 401) return onProblem(error);
      if (!form.isConnected) byId('workbench', HTMLElement).before(form);
      wrong.textContent = field.value === '' ? '' : 'The service does not know this key.';
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
