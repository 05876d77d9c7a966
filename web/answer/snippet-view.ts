// The request as text in a chosen language, and a button that copies it.
import { announce } from '../parts/announce.js';
import { byId, element } from '../parts/elements.js';
import { type Language, languages, type Request, snippets } from './snippets.js';

export function createSnippetView(): { show(request: Request): void } {
  const place = byId('snippet', HTMLElement);
  const copy = byId('copy', HTMLButtonElement);
  let chosen: Language = 'curl';
  let texts: Readonly<Record<Language, string>> | undefined;
  let latest: Request | undefined;

  const buttons = languages.map((language) => {
    const button = element('button', { type: 'button' }, language);
    button.addEventListener('click', () => {
      chosen = language;
      update();
    });
    return button;
  });
  byId('languages', HTMLElement).append(...buttons);

  function update(): void {
    place.textContent = texts?.[chosen] ?? '';
    buttons.forEach((button, index) => {
      button.setAttribute('aria-pressed', `${languages[index] === chosen}`);
    });
  }

  copy.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(place.textContent ?? '');
      announce('Copied.');
      copy.textContent = 'Copied';
    } catch {
      // Without TLS a page may not write to the clipboard: select the text, so that one key copies it.
      getSelection()?.selectAllChildren(place);
      copy.textContent = 'Selected: press Ctrl+C';
    }
    setTimeout(() => {
      copy.textContent = 'Copy';
    }, 2000);
  });

  return {
    show(request) {
      latest = request;
      void snippets(request).then((made) => {
        if (latest !== request) return;
        texts = made;
        update();
      });
    },
  };
}
