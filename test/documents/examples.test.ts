// The images of docs/examples: what the script draws, and fit for the requests that the documents show.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { createDecoder } from '../../src/decoding/decode.js';
import { drawExamples } from '../support/images/draw-digits.js';
import { modelInput } from '../support/images/images.js';

const folder = path.resolve(import.meta.dirname, '../../../docs/examples');
const input = modelInput({ height: 28, width: 28, channels: 1 });
/** Grey levels by which another build of the drawing library may round an edge differently. */
const TOLERANCE = 4;

const drawn = await drawExamples();
const decoder = createDecoder({ maxImagePixels: 1_000_000, maxImageMemoryBytes: 2 ** 28 });

test('the folder holds the drawn images and the note on them, nothing else', async () => {
  assert.deepEqual((await readdir(folder)).sort(), [...drawn.keys(), 'README.md'].sort());
});

for (const [name, image] of drawn) {
  test(`${name} is what the script draws`, async () => {
    const committed = await decoder.decode(await readFile(path.join(folder, name)), undefined, input);
    const fresh = await decoder.decode(image, undefined, input);
    const differences = committed.map((value, index) => Math.abs(value - (fresh[index] ?? 0)));
    assert.ok(Math.max(...differences) <= TOLERANCE, 'redraw the examples, see docs/examples/README.md');
  });
}

test('the digits have the size of a model’s input, so that they show the fast path', async () => {
  for (const [name, image] of drawn) {
    if (!name.endsWith('.png')) continue;
    assert.ok(decoder.decode(image, 'image/png', input) instanceof Uint8Array, name);
  }
});

test('a digit means the same in every format and size', async () => {
  const pairs = [
    ['digit-5.webp', 'digit-5.png', 0],
    ['digit-3-large.jpg', 'digit-3.png', 3],
  ] as const;
  for (const [name, png, meanTolerance] of pairs) {
    const [one, other] = await Promise.all([decodeDrawn(name), decodeDrawn(png)]);
    const total = one.reduce((sum, value, index) => sum + Math.abs(value - (other[index] ?? 0)), 0);
    assert.ok(total / one.length <= meanTolerance, `${name}: ${total / one.length} grey levels`);
  }
});

async function decodeDrawn(name: string): Promise<Uint8Array> {
  return decoder.decode(drawn.get(name) ?? Buffer.alloc(0), undefined, input);
}
