// A model with `polarity: auto`: through every door, an inverted copy of an image has the image's answer, and the answer
// says so. A tensor of the network's own values is taken as it is.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createImageTensor } from '../../src/cascade/image-tensor.js';
import { createEngine } from '../../src/engines/onnx.js';
import { importPackage } from '../../src/packages/import.js';
import { syntheticImages } from '../../src/packages/synthetic-images.js';
import type { Prediction } from '../../src/serving/prediction.js';
import { fromPixels } from '../support/images/images.js';
import { writeTestExport } from '../support/packages/network.js';
import { readJson } from '../support/packages/packages.js';
import { inferBinary, inferJson, joinBytes, outputsOf } from '../support/service/inference.js';
import { classifyBatch, post, predict } from '../support/service/requests.js';
import { startTestService } from '../support/service/service.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const SIDE = 16;

/** The test network for grey images, with the polarity and without. */
async function writePackages(output: string): Promise<void> {
  for (const name of ['either', 'plain']) {
    const source = join(temporaryFolder(), name);
    const described = await writeTestExport(source, { name, channels: 1 });
    const input = { ...described.input, ...(name === 'either' && { polarity: 'auto' }) };
    await writeFile(join(source, 'description.json'), JSON.stringify({ ...described, input }));
    await importPackage({ source, output, force: false, engine: createEngine() });
  }
}

const { url, classifier } = await startTestService(
  { after },
  { writePackages, config: { defaultModel: 'either' } },
);
const { input } = classifier.catalog.find('either').manifest;

/** Something on black: the border is dark. */
const shapes = syntheticImages({ height: SIDE, width: SIDE, channels: 1 }, 4, 5).map((pixels) =>
  pixels.map((value, place) => {
    const [x, y] = [place % SIDE, Math.floor(place / SIDE)];
    return x < 2 || y < 2 || x >= SIDE - 2 || y >= SIDE - 2 ? value >> 3 : value;
  }),
);
const inverted = shapes.map((pixels) => pixels.map((value) => 255 - value));
const pngOf = (pixels: Uint8Array) => fromPixels(pixels, SIDE, SIDE, 1).png().toBuffer();
const [pngs, invertedPngs] = await Promise.all([
  Promise.all(shapes.map(pngOf)),
  Promise.all(inverted.map(pngOf)),
]);
const plain = await Promise.all(pngs.map((png) => predict(url, png, { topK: 10 })));

/** What does not differ between two requests for an image. */
const comparable = ({ timing: _, ...answer }: Prediction) => answer;
const turned = plain.map((answer) => ({ ...comparable(answer), inverted: true }));

test('POST /classify: on both of its paths', async () => {
  for (const [index, png] of invertedPngs.entries()) {
    assert.equal(plain[index]?.inverted, undefined);
    assert.deepEqual(comparable(await predict(url, png, { topK: 10 })), turned[index]);
    const form = new FormData();
    form.append('file', new Blob([png as Uint8Array<ArrayBuffer>]), 'image.png');
    const response = await fetch(`${url}/classify?topK=10`, { method: 'POST', body: form });
    assert.deepEqual(comparable((await response.json()) as Prediction), turned[index]);
  }
});

test('a photograph that has to be scaled, as JPEG', async () => {
  const jpeg = await fromPixels(inverted[0] ?? new Uint8Array(), SIDE, SIDE, 1)
    .resize(160, 160)
    .jpeg()
    .toBuffer();
  const answer = (await (await post(`${url}/classify`, jpeg, 'image/jpeg')).json()) as Prediction;
  assert.equal(answer.inverted, true);
});

test('POST /classify/batch: each image for itself', async () => {
  const mixed = [invertedPngs[0], pngs[1], invertedPngs[2]] as Buffer[];
  const response = await classifyBatch(url, mixed, { topK: 10 });
  const { results } = (await response.json()) as { results: { prediction?: Prediction }[] };
  assert.deepEqual(
    results.map(({ prediction }) => prediction && comparable(prediction)),
    [turned[0], comparable(plain[1] as Prediction), turned[2]],
  );
});

test('the inference protocol: encoded images and pixels', async () => {
  const model = 'either';
  const shape = [4, SIDE, SIDE, 1];
  const raw = Buffer.concat(inverted);
  const ways: [string, Promise<Response>][] = [
    ['BYTES', inferBinary(url, { datatype: 'BYTES', shape: [4] }, joinBytes(invertedPngs), { model })],
    ['UINT8', inferBinary(url, { datatype: 'UINT8', shape }, raw, { model })],
    ['UINT8, JSON', inferJson(url, { datatype: 'UINT8', shape }, [...raw], { model })],
  ];
  for (const [name, response] of ways) {
    const outputs = await outputsOf(await response);
    assert.deepEqual(
      outputs['label']?.data,
      plain.map(({ label }) => label),
      name,
    );
    assert.deepEqual(outputs['inverted']?.data, [true, true, true, true], name);
  }
});

test('a tensor of the network’s own values stays as it is', async () => {
  const values = createImageTensor(input, 'nchw')(new Uint8Array(Buffer.concat(inverted)));
  const shape = [4, 1, SIDE, SIDE];
  const response = inferBinary(url, { datatype: 'FP32', shape }, Buffer.from(values.buffer), {
    model: 'either',
  });
  const asGiven = await Promise.all(
    invertedPngs.map((png) => predict(url, png, { topK: 10, model: 'plain' })),
  );
  const outputs = await outputsOf(await response);
  assert.deepEqual(
    outputs['label']?.data,
    asGiven.map(({ label }) => label),
  );
  assert.deepEqual(outputs['inverted']?.data, [false, false, false, false]);
  assert.notDeepEqual(
    asGiven.map(({ top }) => top),
    plain.map(({ top }) => top),
    'the network sees polarity',
  );
});

test('a model without it inverts nothing, and says nothing', async () => {
  for (const png of invertedPngs) {
    const answer = await predict(url, png, { model: 'plain' });
    assert.ok(!('inverted' in answer));
  }
});

test('GET /models says which model has it', async () => {
  const { models } = (await (await fetch(`${url}/models`)).json()) as {
    models: { name: string; input: { polarity?: string } }[];
  };
  assert.deepEqual(
    models.map(({ name, input: { polarity } }) => [name, polarity]),
    [
      ['either', 'auto'],
      ['plain', undefined],
    ],
  );
});

test('polarity is for grey images', async () => {
  const source = join(temporaryFolder(), 'colour');
  await writeTestExport(source);
  const file = join(source, 'description.json');
  const described = await readJson<{ input: object }>(file);
  await writeFile(file, JSON.stringify({ ...described, input: { ...described.input, polarity: 'auto' } }));
  await assert.rejects(
    importPackage({ source, output: temporaryFolder(), force: false, engine: createEngine() }),
    { message: 'description.json: /input/polarity is for grey images, but /input/channels is 3.' },
  );
  assert.ok((await readFile(file, 'utf8')).includes('polarity'));
});
