// Golden images: encoded files whose logits are known, so that a package whose images are prepared otherwise is refused.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import sharp from 'sharp';
import { createImageTensor } from '../../src/cascade/image-tensor.js';
import { loadSegments } from '../../src/cascade/self-check.js';
import { type Resampled, resample } from '../../src/decoding/resize/resample.js';
import { createEngine } from '../../src/engines/onnx.js';
import { networkOf } from '../../src/network/network.js';
import { importPackage } from '../../src/packages/import.js';
import { loadPackage } from '../../src/packages/package.js';
import { textured } from '../support/images/images.js';
import { writeTestExport } from '../support/packages/network.js';
import { editManifest } from '../support/packages/packages.js';
import { runModel } from '../support/packages/run-model.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const engine = createEngine();
const trained = {
  ...{ resize: { shorterSide: 10 }, interpolation: 'bicubic', channelOrder: 'bgr', range: [0, 255] },
  ...{ mean: [104, 117, 124], std: [60, 60, 60] },
} as const;

/** An export with two golden images, the logits of which come from the whole graph, on pixels of sharp's. */
async function prepare() {
  const folder = temporaryFolder();
  const [source, output] = [join(folder, 'export'), join(folder, 'models')];
  const described = await writeTestExport(source, { size: 8, width: 4 });
  const input = { ...described.input, ...trained, tensor: 'image', background: 0 } as unknown as Resampled;
  const images = [await textured(50, 37, 3).jpeg().toBuffer(), await textured(21, 64, 3).png().toBuffer()];
  const model = await readFile(join(source, 'model.onnx'));
  const cases: { image: string; logits: number[][] }[] = [];
  for (const image of images) {
    const { data, info } = await sharp(image).raw().toBuffer({ resolveWithObject: true });
    const pixels = resample({ pixels: data, width: info.width, height: info.height }, input);
    const row = createImageTensor(input, 'nchw')(pixels);
    const answers = await runModel(model, { image: { dims: [1, 3, 8, 8], data: row } });
    const logits = described.exits.map((exit) => [...(answers[exit.logits]?.data ?? [])]);
    cases.push({ image: image.toString('base64'), logits });
  }
  const describeAs = (changes: object) =>
    writeFile(
      join(source, 'description.json'),
      JSON.stringify({ ...described, input: { ...described.input, ...trained, ...changes } }),
    );
  const give = (golden: object) => writeFile(join(source, 'golden-images.json'), JSON.stringify(golden));
  await describeAs({});
  await give({ tolerance: 0.001, cases });
  const run = () => importPackage({ source, output, force: true, engine });
  return { run, describeAs, give, cases };
}

describe('golden images', () => {
  it('are reproduced at import, and whenever the package is loaded', async () => {
    const { run } = await prepare();
    const { directory, goldenImages, manifest } = await run();
    assert.equal(goldenImages?.cases.length, 2);
    assert.ok(manifest.files['golden-images.json']);
    const loaded = await loadSegments(engine, networkOf(await loadPackage(directory)));
    await Promise.all([...loaded.values()].map((segment) => segment.release()));
  });

  const others = {
    interpolation: 'bilinear',
    antialias: false,
    resize: { shorterSide: 9 },
    channelOrder: 'rgb',
    range: [0, 254],
  };
  for (const [key, value] of Object.entries(others)) {
    it(`are not reproduced with another ${key}: refused at import and at start`, async () => {
      const { run, describeAs } = await prepare();
      const { directory } = await run();
      const refusal =
        /^golden-images\.json is not reproduced, so images are not prepared .* at exit "exit-0": logits differ by /;
      // Of pixels, golden.json proves what becomes of them, but not where they come from.
      const seenEarlier = key === 'channelOrder' || key === 'range';
      await editManifest(directory, ({ input }) => Object.assign(input, { [key]: value }));
      const changed = networkOf(await loadPackage(directory));
      const first = seenEarlier ? /^golden\.json is not reproduced/ : refusal;
      await assert.rejects(loadSegments(engine, changed), { name: 'PackageError', message: first });
      await describeAs({ [key]: value });
      await assert.rejects(run(), { name: 'PackageError', message: refusal });
    });
  }

  it('are images, with as many logits as the network has', async () => {
    const { run, give, cases } = await prepare();
    const [{ image, logits } = { image: '', logits: [] }] = cases;
    const faults: [object, RegExp][] = [
      [{ image: '!', logits }, /\/cases\/0\/image is not the base64 of a file\.$/],
      [{ image: '', logits }, /\/cases\/0\/image is not the base64 of a file\.$/],
      [{ image: 'R0lGODlh', logits }, /\/cases\/0\/image: The bytes are a GIF image\. Send a PNG, /],
      [{ image, logits: logits.slice(1) }, /\/cases\/0\/logits is not 3 exits × 10 classes\.$/],
    ];
    for (const [fault, message] of faults) {
      await give({ tolerance: 0.1, cases: [fault] });
      await assert.rejects(run(), { name: 'PackageError', message });
    }
  });
});
