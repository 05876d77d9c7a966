// The page at /: an image, its way through the exits, and what that costs. Every answer comes from POST /classify with
// the option explain, as any client can ask for it.
import { type ProfileAnswer, showProfiles } from './answer/all-profiles.js';
import { shortPromise, showCertificate } from './answer/certificate.js';
import { showComparison, verdictText } from './answer/comparison.js';
import { createLimits } from './answer/limits.js';
import { showPath } from './answer/path-view.js';
import { createRecent } from './answer/recent.js';
import { createSnippetView } from './answer/snippet-view.js';
import { showTypicality } from './answer/typicality.js';
import { centredInk } from './drawing/ink.js';
import { createPad } from './drawing/pad.js';
import { announce } from './parts/announce.js';
import { byId, element } from './parts/elements.js';
import { createExamples } from './parts/examples.js';
import { receiveFiles, type SentImage, sentImage } from './parts/files.js';
import { createKeyField } from './parts/key-field.js';
import { type Answer, classify, listModels, type Model, Problem, type Profile } from './service/api.js';
import { policyWords } from './service/policies.js';

/** Classes that an exit shows. */
const TOP = 3;

const INVERTED =
  'The border of your image is bright, so the service exchanged black and white: this model takes white on black.';

const modelField = byId('model', HTMLSelectElement);
const profileField = byId('profile', HTMLSelectElement);
const verdict = byId('verdict', HTMLElement);
const problemLine = byId('problem', HTMLElement);
const canvas = byId('pad', HTMLCanvasElement);
const compareButton = byId('compare-profiles', HTMLButtonElement);
const profilesResult = byId('profiles-result', HTMLElement);

/** The service tells the class alone, so there is no way through the network to show. */
let isStrict = false;
let models: readonly Model[] = [];
let model: Model;
let profile: Profile;
let image: SentImage | undefined;
/** The class that a strict service answered. */
let label: string | undefined;
/** The answer shown. */
let answer: Answer | undefined;
/** What every exit of the profile said about the image, in a run without limits. */
let whole: Answer | undefined;
let running: AbortController | undefined;
/** The drawing on the pad: all its strokes are one image. */
let drawing = {};

const pad = createPad(canvas, byId('pad-cursor', HTMLElement), () => void classifyDrawing());
const limits = createLimits(() => void ask());
const showExamples = createExamples(byId('examples', HTMLElement), (example) => {
  clearPad();
  void take(example);
});
const snippets = createSnippetView();
const recent = createRecent(
  byId('strip', HTMLElement),
  byId('histogram', HTMLElement),
  byId('recent-total', HTMLElement),
  (chosen) => void take(chosen),
);

async function start(): Promise<void> {
  const { models: served, defaultModel, privacy } = await listModels();
  models = served;
  isStrict = privacy === 'strict';
  for (const id of ['path', 'policy-note', 'compare', 'profiles', 'recent', 'explain-note']) {
    byId(id, HTMLElement).hidden = isStrict;
  }
  modelField.replaceChildren(
    ...models.map(({ name, version }, index) =>
      element(
        'option',
        { value: `${index}` },
        models.some((one) => one.name === name && one.version !== version)
          ? `${name}, version ${version}`
          : name,
      ),
    ),
  );
  modelField.value = `${models.findLastIndex(({ name }) => name === defaultModel)}`;
  byId('workbench', HTMLElement).hidden = false;
  chooseModel();
}

function chooseModel(): void {
  const chosen = models[Number(modelField.value)];
  if (!chosen) return;
  model = chosen;
  profileField.replaceChildren(...model.profiles.map(({ name }) => element('option', { value: name }, name)));
  profileField.value = model.defaultProfile;
  // Drawings are white on black and have no colours.
  byId('pad-part', HTMLElement).hidden = model.input.channels !== 1;
  const { expects } = model;
  byId('expects', HTMLElement).textContent = expects === undefined ? '' : `It expects: ${expects}`;
  void showExamples(model);
  recent.restart(model);
  forget();
  chooseProfile();
}

function chooseProfile(): void {
  const chosen = model.profiles.find(({ name }) => name === profileField.value);
  if (!chosen) return;
  profile = chosen;
  byId('profile-note', HTMLElement).textContent = shortPromise(profile);
  byId('policy-note', HTMLElement).textContent = policyWords(profile.policy).explained;
  byId('certificate-of', HTMLElement).textContent = profile.name;
  limits.restart(model, profile);
  whole = undefined;
  answer = undefined;
  label = undefined;
  show();
  void ask();
}

function clearPad(): void {
  pad.clear();
  drawing = {};
}

function forget(): void {
  running?.abort();
  clearPad();
  image = undefined;
  answer = undefined;
  whole = undefined;
  label = undefined;
  profilesResult.hidden = true;
  problemLine.textContent = '';
}

async function classifyDrawing(): Promise<void> {
  const { width, height } = model.input;
  const blob = await centredInk(canvas, width, height);
  if (blob) await take(sentImage(blob, 'drawing.png', drawing));
}

async function take(taken: SentImage): Promise<void> {
  image = taken;
  whole = undefined;
  profilesResult.hidden = true;
  await ask();
}

/** Asks for the image under the present options. Only the latest request is shown. */
async function ask(): Promise<void> {
  if (!image) return;
  running?.abort();
  const control = new AbortController();
  running = control;
  const asked = image;
  problemLine.textContent = '';
  byId('answer', HTMLElement).ariaBusy = 'true';
  try {
    if (isStrict) {
      ({ label } = await classify(asked.blob, classOptions(), control.signal));
      return;
    }
    const full = whole ?? (await classify(asked.blob, { ...options(), explain: 'full' }, control.signal));
    const within = limits.chosen();
    const limited =
      within === undefined
        ? full
        : await classify(asked.blob, { ...options(), ...within, explain: 'path' }, control.signal);
    if (control.signal.aborted) return;
    [whole, answer] = [full, limited];
    recent.note(asked, limited);
  } catch (error) {
    if (control.signal.aborted) return;
    answer = undefined;
    label = undefined;
    showProblem(error);
  } finally {
    if (running === control) {
      byId('answer', HTMLElement).ariaBusy = 'false';
      show();
    }
  }
}

function classOptions() {
  return { model: model.name, version: model.version, profile: profile.name };
}

function options() {
  return { ...classOptions(), topK: Math.min(TOP, model.classes.length) };
}

function show(): void {
  showPath(byId('path', HTMLOListElement), { model, profile, answer, whole });
  showCertificate(byId('certificate', HTMLElement), profile, answer);
  compareButton.disabled = image === undefined;
  showImage();
  snippets.show({ image, query: { ...classOptions(), ...limits.chosen() } });
  byId('inverted', HTMLElement).textContent = answer?.inverted ? INVERTED : '';
  showTypicality(byId('atypical', HTMLElement), answer);
  showComparison(byId('comparison', HTMLElement), model, answer, whole);
  if (label !== undefined)
    verdict.replaceChildren(element('strong', {}, label), ' This service tells the class alone.');
  else if (answer) verdict.replaceChildren(element('strong', {}, answer.label), ` ${verdictText(answer)}`);
  else
    verdict.textContent = image
      ? 'No answer.'
      : 'Draw or choose an image: its answer and its way appear here.';
}

function showImage(): void {
  const figure = byId('sent', HTMLElement);
  figure.hidden = image === undefined;
  if (!image) return;
  byId('sent-image', HTMLImageElement).src = image.url;
  byId('sent-name', HTMLElement).textContent = `${image.name}, as sent.`;
  const save = byId('save', HTMLAnchorElement);
  save.href = image.url;
  save.download = image.name;
}

function showProblem(error: unknown): void {
  if (!(error instanceof Problem)) throw error;
  problemLine.textContent = `${error.title}. ${error.message}`;
}

async function compareProfiles(): Promise<void> {
  if (!image) return;
  const { blob } = image;
  compareButton.disabled = true;
  try {
    const answers: ProfileAnswer[] = [];
    for (const one of model.profiles) {
      answers.push({ profile: one, answer: await classify(blob, { ...options(), profile: one.name }) });
    }
    showProfiles(byId('profiles-body', HTMLTableSectionElement), model, answers);
    profilesResult.hidden = false;
    announce(`${answers.length} profiles compared.`);
  } catch (error) {
    showProblem(error);
  } finally {
    compareButton.disabled = false;
  }
}

modelField.addEventListener('change', chooseModel);
profileField.addEventListener('change', chooseProfile);
compareButton.addEventListener('click', () => void compareProfiles());
byId('clear', HTMLElement).addEventListener('click', () => {
  clearPad();
  canvas.focus();
});
receiveFiles(
  [byId('file', HTMLInputElement), byId('camera', HTMLInputElement)],
  byId('zone', HTMLElement),
  (file) => void take(sentImage(file, file.name || 'pasted.png')),
);
const open = createKeyField(start, ({ title, message }) => {
  byId('out-of-order', HTMLElement).textContent = `${title}. ${message}`;
});
void open();
