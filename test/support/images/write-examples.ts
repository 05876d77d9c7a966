// Writes the example images into docs/examples and into the shipped models, whose manifests list them. Run:
// npm run build && node dist/test/support/images/write-examples.js
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import type { Example } from '../../../src/format/expectation.js';
import type { Manifest } from '../../../src/format/manifest.js';
import { invariant } from '../../../src/foundation/errors.js';
import { toJson } from '../../../src/packages/install.js';
import { describeFile } from '../../../src/packages/package-files.js';
import { drawExamples } from './draw-digits.js';
import { drawScenes } from './draw-scenes.js';

const root = path.resolve(import.meta.dirname, '../../../..');

interface Shown extends Example {
  readonly image: Buffer | undefined;
}

/** Puts the images into a package, in place of those that it had. */
async function giveTo(model: string, shown: readonly Shown[]): Promise<void> {
  const folder = path.join(root, 'models', model);
  const file = path.join(folder, 'manifest.json');
  const manifest = JSON.parse(await readFile(file, 'utf8')) as Manifest;
  await mkdir(path.join(folder, 'examples'), { recursive: true });
  const files = Object.entries(manifest.files).filter(([name]) => !name.startsWith('examples/'));
  for (const { file: name, image } of shown) {
    invariant(image, `the example ${name} is drawn`);
    await writeFile(path.join(folder, 'examples', name), image);
    files.push([`examples/${name}`, describeFile(image)]);
  }
  const changed: Manifest = {
    ...manifest,
    examples: shown.map(({ image: _, ...example }) => example),
    files: Object.fromEntries(files),
  };
  await writeFile(file, toJson(changed));
}

const digits = await drawExamples();
const scenes = await drawScenes();
for (const [name, image] of digits) await writeFile(path.join(root, 'docs/examples', name), image);
const blackOnWhite = await sharp(digits.get('digit-3.png')).negate().png().toBuffer();
await giveTo('mnist-smallcnn/2', [
  { file: 'easy-7.png', label: '7', description: 'An easy 7', image: digits.get('digit-7.png') },
  { file: 'hard-4.png', label: '4', description: 'A hard 4', image: digits.get('hard-4.png') },
  { file: 'crossed-7.png', label: '7', description: 'A crossed 7', image: digits.get('hard-7.png') },
  { file: 'black-on-white-3.png', label: '3', description: 'A 3, black on white', image: blackOnWhite },
]);
const things = [...scenes].map(([label, image]) => ({
  ...{ file: `${label}.png`, label, image },
  ...(label === 'frog' && { description: 'A hard frog' }),
}));
for (const model of ['rdi-resnet38/7', 'rdi-mobilenetv2/2']) await giveTo(model, things);
