// Typicality through every door: the answers are those of the package's data, whatever path the image takes; a package
// without the data has none.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { measureTypicality } from '../../src/calibration/measure-typicality.js';
import { createImageTensor } from '../../src/cascade/image-tensor.js';
import { createDecoder } from '../../src/decoding/decode.js';
import type { CalibrationDocument } from '../../src/format/profiles.js';
import { loadPackage } from '../../src/packages/package.js';
import { saveTypicality } from '../../src/packages/save-profile.js';
import type { Prediction } from '../../src/serving/prediction.js';
import { createTypicality } from '../../src/typicality/typicality.js';
import { fromPixels } from '../support/images/images.js';
import { readJson, writeListed } from '../support/packages/packages.js';
import { testImages, writeProfiledPackage } from '../support/packages/profiled-package.js';
import { inferBinary, inferJson, joinBytes, outputsOf } from '../support/service/inference.js';
import { classifyBatch, predict } from '../support/service/requests.js';
import { startTestService } from '../support/service/service.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const CALIBRATION_IMAGES = 400;

/** The test package, `tiny`, and its copy `unmeasured` without the data. */
async function writePackages(models: string): Promise<void> {
  await writeProfiledPackage(models, { name: 'unmeasured' });
  const { package: model } = await writeProfiledPackage(models);
  const samples = (await testImages(CALIBRATION_IMAGES, 31)).map(({ png }, index) => ({
    ...{ name: `image ${index}`, label: '', mediaType: 'image/png' as const },
    read: async () => png,
  }));
  const measured = await measureTypicality({
    ...{ input: model.manifest.input, samples, dataSha256: '0'.repeat(64), seed: 1 },
    decoder: createDecoder({ maxImagePixels: 1e6, maxImageMemoryBytes: 2 ** 28 }),
    onProgress() {},
  });
  assert.ok(measured);
  await saveTypicality(model, measured);
}

const models = temporaryFolder();
await writePackages(models);
const { manifest, typicality } = await loadPackage(join(models, 'tiny', '1'));
assert.ok(typicality);
const offline = createTypicality(typicality, manifest.input);

/** Images like the calibration images, and others: their contrast is lower, or they are plain. */
const usual = await testImages(12, 77);
const odd = await Promise.all(
  usual.slice(0, 4).map(async ({ pixels }, index) => {
    const flat = pixels.map((value) => (index === 0 ? 0 : 100 + (value >> 5)));
    return { pixels: flat, png: await fromPixels(flat, 16, 16, 3).png().toBuffer() };
  }),
);
const images = [...usual, ...odd];
const expected = images.map(({ pixels }) => offline.measure(pixels));
const pngs = images.map(({ png }) => png);

const service = await startTestService({ after }, { config: { models, defaultModel: 'tiny' } });
const { url } = service;

test('the images are of both kinds', () => {
  assert.ok(expected.slice(0, usual.length).some(({ typical }) => typical));
  assert.ok(expected.slice(usual.length).every(({ typical }) => !typical));
});

test('POST /classify: the same under every profile, budget and explanation, on both of its paths', async () => {
  for (const query of [
    {},
    { profile: 'full' },
    { profile: 'patience' },
    { maxExit: 0 },
    { explain: 'full' },
  ]) {
    for (const [index, png] of pngs.entries()) {
      const { typicality: served } = await predict(url, png, query);
      assert.deepEqual(served, expected[index], JSON.stringify(query));
    }
  }
});

test('POST /classify/batch: image by image', async () => {
  const response = await classifyBatch(url, pngs);
  const { results } = (await response.json()) as { results: { prediction: Prediction }[] };
  assert.deepEqual(
    results.map(({ prediction }) => prediction.typicality),
    expected,
  );
});

test('the Open Inference Protocol: encoded images, pixels and the network’s own values', async () => {
  const pixels = Buffer.concat(images.map((image) => image.pixels));
  const values = createImageTensor(manifest.input, 'nchw')(new Uint8Array(pixels));
  const count = images.length;
  const ways: [string, Promise<Response>][] = [
    ['BYTES', inferBinary(url, { datatype: 'BYTES', shape: [count] }, joinBytes(pngs))],
    ['UINT8', inferBinary(url, { datatype: 'UINT8', shape: [count, 16, 16, 3] }, pixels)],
    ['FP32', inferJson(url, { datatype: 'FP32', shape: [count, 3, 16, 16] }, [...values])],
  ];
  for (const [name, response] of ways) {
    const outputs = await outputsOf(await response);
    assert.deepEqual(
      outputs['typical']?.data,
      expected.map(({ typical }) => typical),
      name,
    );
  }
});

test('a package without the data: no field, and no series', async () => {
  const answer = await predict(url, pngs[0] as Buffer, { model: 'unmeasured' });
  assert.ok(!('typicality' in answer));
  const listed = (await (await fetch(`${url}/models`)).json()) as {
    models: { name: string; typicality?: unknown }[];
  };
  assert.deepEqual(
    listed.models.map((model) => [model.name, model.typicality]),
    [
      ['tiny', { level: 0.01, referenceImages: CALIBRATION_IMAGES / 2 }],
      ['unmeasured', undefined],
    ],
  );
  const text = await (await fetch(`${url}/metrics`)).text();
  assert.doesNotMatch(text, /rdi_(atypical_total|typicality\w*)\{[^}]*unmeasured/);
});

test('metrics count the images that are not typical, among all that were measured', async () => {
  const before = await service.samples();
  for (const png of pngs) await predict(url, png);
  const now = await service.samples();
  const grown = (name: string): number => now.sum(name) - before.sum(name);
  assert.equal(grown('rdi_typicality_count'), images.length);
  assert.equal(grown('rdi_atypical_total'), expected.filter(({ typical }) => !typical).length);
  const sum = expected.reduce((total, { pValue }) => total + pValue, 0);
  assert.ok(Math.abs(grown('rdi_typicality_sum') - sum) < 1e-9 * images.length);
});

test('data for another preprocessing is not used, and the log says so', async () => {
  const changed = temporaryFolder();
  await writePackages(changed);
  const directory = join(changed, 'tiny', '1');
  const calibration = await readJson<CalibrationDocument>(join(directory, 'calibration.json'));
  assert.ok(calibration.typicality);
  calibration.typicality.sha256.input = 'f'.repeat(64);
  await writeListed(directory, 'calibration.json', JSON.stringify(calibration));
  const other = await startTestService({ after }, { config: { models: changed, defaultModel: 'tiny' } });
  assert.ok(!('typicality' in (await predict(other.url, pngs[0] as Buffer))));
  assert.ok(other.log.some(({ msg }) => /typicality was measured with another preprocessing/.test(`${msg}`)));
});
