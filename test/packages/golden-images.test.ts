// Golden images: encoded files whose logits are known, so that a package whose images are prepared otherwise is refused.
import assert from 'node:assert/strict';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import sharp from 'sharp';
import { createImageTensor } from '../../src/cascade/image-tensor.js';
import { loadSegments } from '../../src/cascade/self-check.js';
import { type Resampled, resample } from '../../src/decoding/resize/resample.js';
import { createEngine } from '../../src/engines/onnx.js';
import { networkOf } from '../../src/network/network.js';
import { decodeModel, encodeModel } from '../../src/onnx/proto.js';
import { importPackage } from '../../src/packages/import.js';
import { readGivenImages } from '../../src/packages/importing/given-images.js';
import { loadPackage } from '../../src/packages/package.js';
import { type GraphProto, TensorProto_DataType } from '../../src/protobuf/onnx-ml_pb.js';
import { textured } from '../support/images/images.js';
import { buildTestNetwork, writeTestExport } from '../support/packages/network.js';
import { node, tensorInfo } from '../support/packages/onnx-builder.js';
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

describe('golden images of a file alone', () => {
  const classes = Array.from({ length: 10 }, (_, index) => `class ${index}`);

  /** A file alone, and images beside it. */
  async function prepareFile(edit: (graph: GraphProto) => void = () => {}) {
    const folder = temporaryFolder();
    const [source, photos] = [join(folder, 'net.onnx'), join(folder, 'photos')];
    const model = decodeModel(buildTestNetwork({ size: 8, width: 4 }).model);
    if (model.graph) edit(model.graph);
    await writeFile(source, encodeModel(model));
    await mkdir(photos);
    await textured(50, 37, 3).jpeg().toFile(join(photos, 'a.jpg'));
    await textured(21, 64, 3).png().toFile(join(photos, 'b.PNG'));
    await writeFile(join(photos, 'notes.txt'), 'no image');
    const importWith = async (path: string) =>
      importPackage({
        ...{ source, output: join(folder, 'models'), force: true, engine },
        wishes: { classes, preprocess: 'unit', goldenImages: await readGivenImages(path) },
      });
    return { source, photos, folder, importWith };
  }

  it('are recorded from images, and held against the exported file', async () => {
    const { photos, importWith } = await prepareFile();
    const { goldenImages, imagesRecorded, manifest, notes } = await importWith(photos);
    assert.equal(imagesRecorded, true);
    assert.equal(goldenImages?.cases.length, 2);
    assert.deepEqual(notes, []);
    assert.match(
      String(manifest.provenance['goldenImages']),
      /; net\.onnx gives the same\. They do not prove/,
    );
    const one = await importWith(join(photos, 'b.PNG'));
    assert.deepEqual(one.goldenImages?.cases, goldenImages.cases.slice(1));
  });

  for (const [operator, form] of Object.entries({
    Softmax: 'probabilities',
    LogSoftmax: 'logarithms of them',
  })) {
    it(`are logits, although the exported file gives ${form}`, async () => {
      const { photos, importWith } = await prepareFile((graph) => {
        for (const output of graph.output) {
          graph.node.push(node(operator, [output.name], [`${output.name}_end`], { axis: -1 }));
          output.name = `${output.name}_end`;
        }
      });
      const { manifest } = await importWith(photos);
      assert.match(String(manifest.provenance['goldenImages']), /net\.onnx gives the same/);
    });
  }

  it('are held against a file that fixes its batch, too', async () => {
    const { photos, importWith } = await prepareFile((graph) => {
      graph.input = [tensorInfo('image', [4, 3, 8, 8])];
      for (const output of graph.output) Object.assign(output, tensorInfo(output.name, [4, 10]));
    });
    const { manifest } = await importWith(photos);
    assert.match(String(manifest.provenance['goldenImages']), /net\.onnx gives the same/);
  });

  it('are recorded from the package alone if the file takes no float32, which is said', async () => {
    const { photos, importWith } = await prepareFile((graph) => {
      const half = tensorInfo('half', ['batch', 3, 8, 8]);
      Object.assign(half.type?.value.value ?? {}, { elemType: TensorProto_DataType.FLOAT16 });
      graph.input = [half];
      graph.node.unshift(node('Cast', ['half'], ['image'], { to: TensorProto_DataType.FLOAT }));
    });
    const { notes } = await importWith(photos);
    const said =
      /^The golden images were recorded from the package alone; net\.onnx was not compared: .*float16[^.]*\.$/;
    assert.ok(
      notes.some((note) => said.test(note)),
      notes.join('\n'),
    );
  });

  it('have a tolerance for pixels that are rounded otherwise', async () => {
    const { photos, importWith } = await prepareFile();
    const { directory } = await importWith(photos);
    const { tolerance } = JSON.parse(await readFile(join(directory, 'golden-images.json'), 'utf8'));
    const { tolerance: ofPixels } = JSON.parse(await readFile(join(directory, 'golden.json'), 'utf8'));
    assert.ok(tolerance > ofPixels);
  });

  it('come with logits in a golden-images.json, which import reproduces', async () => {
    const { photos, folder, importWith } = await prepareFile();
    const { directory } = await importWith(photos);
    const given = join(folder, 'expected.json');
    const document = JSON.parse(await readFile(join(directory, 'golden-images.json'), 'utf8'));
    await writeFile(given, JSON.stringify(document));
    const { goldenImages, imagesRecorded } = await importWith(given);
    assert.deepEqual([goldenImages?.cases.length, imagesRecorded], [2, false]);
    document.cases[0].logits[0][0] += 10;
    await writeFile(given, JSON.stringify(document));
    await assert.rejects(importWith(given), {
      name: 'PackageError',
      message: /^golden-images\.json is not repro/,
    });
  });

  it('are the first of many', async () => {
    const { photos, importWith } = await prepareFile();
    for (let index = 0; index < 20; index++)
      await copyFile(join(photos, 'a.jpg'), join(photos, `c${index}.jpg`));
    const { goldenImages, notes } = await importWith(photos);
    assert.equal(goldenImages?.cases.length, 16);
    assert.deepEqual(notes, ['Of 22 images, the first 16 by name were taken.']);
  });

  it('are images that can be decoded, and there are some', async () => {
    const { photos, folder, source, importWith } = await prepareFile();
    await writeFile(join(photos, 'c.png'), 'no image');
    await assert.rejects(importWith(photos), {
      name: 'PackageError',
      message: /photos\/c\.png: The bytes are /,
    });
    await mkdir(join(folder, 'empty'));
    const usage = { name: 'UsageError', message: /empty" holds no file whose name ends in \.png, / };
    await assert.rejects(readGivenImages(join(folder, 'empty')), usage);
    await assert.rejects(readGivenImages(join(folder, 'none')), {
      name: 'UsageError',
      message: /cannot be read: /,
    });
    await assert.rejects(importWith(source), { name: 'PackageError', message: /^golden-images\.json/ });
  });

  it('are for a file alone: a folder has its own', async () => {
    const { source } = await prepareFile();
    const options = { output: temporaryFolder(), force: false, engine, wishes: { classes } };
    await assert.rejects(importPackage({ ...options, source: join(source, '..') }), {
      name: 'UsageError',
      message:
        /describes its network in description\.json; the options for a file alone do not apply to it\.$/,
    });
  });
});
