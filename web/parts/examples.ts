// The example images of a model, as buttons that try them. They come from the service, under the caller's key.
import { exampleImage, type Model, Problem } from '../service/api.js';
import { element } from './elements.js';
import { type SentImage, sentImage } from './files.js';

/** @returns a function that shows the examples of a model. @param onChoose called when one of them is chosen */
export function createExamples(place: HTMLElement, onChoose: (image: SentImage) => void) {
  let shown: Model | undefined;
  let urls: string[] = [];

  return async (model: Model): Promise<void> => {
    shown = model;
    place.replaceChildren();
    place.hidden = model.examples.length === 0;
    for (const url of urls) URL.revokeObjectURL(url);
    urls = [];
    const blobs = await Promise.all(
      model.examples.map(({ file }) => exampleImage(model, file).catch(nothing)),
    );
    if (shown !== model) return;
    for (const [index, { file, label, description }] of model.examples.entries()) {
      const blob = blobs[index];
      if (!blob) continue;
      const url = URL.createObjectURL(blob);
      urls.push(url);
      const name = element('span', {}, description ?? label);
      const button = element('button', { type: 'button' }, element('img', { src: url, alt: '' }), name);
      const key = {};
      button.addEventListener('click', () => onChoose(sentImage(blob, file, key)));
      place.append(button);
    }
  };
}

/** The package may have been replaced since the models were listed. */
function nothing(error: unknown): undefined {
  if (!(error instanceof Problem)) throw error;
}
