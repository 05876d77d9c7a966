// Importing an export: what becomes of it, what is refused, and that nothing half-made is ever left behind.
import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createImageTensor } from '../../src/cascade/image-tensor.js';
import { createEngine } from '../../src/engines/onnx.js';
import type { Description } from '../../src/format/description.js';
import type { GoldenDocument } from '../../src/format/golden.js';
import type { Manifest } from '../../src/format/manifest.js';
import { decodeModel, encodeModel } from '../../src/onnx/proto.js';
import { makeGolden } from '../../src/packages/golden-outputs.js';
import { importPackage } from '../../src/packages/import.js';
import { loadPackage, readNetwork } from '../../src/packages/package.js';
import { type NetworkOptions, writeTestExport } from '../support/packages/network.js';
import { intTensor, node, tensorInfo } from '../support/packages/onnx-builder.js';
import { readJson } from '../support/packages/packages.js';
import { largestDifference, runModel } from '../support/packages/run-model.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const small = { size: 8, width: 4 };

async function prepare(options: NetworkOptions = small) {
  const folder = temporaryFolder();
  const [source, output] = [join(folder, 'export'), join(folder, 'models')];
  const description = await writeTestExport(source, options);
  const run = (force = false) => importPackage({ source, output, force, engine: createEngine() });
  const describeAs = (patch: object) =>
    writeFile(join(source, 'description.json'), JSON.stringify({ ...description, ...patch }));
  return { source, output, description, run, describeAs };
}

describe('an import', () => {
  it('makes a package that loads', async () => {
    const { output, run, description } = await prepare();
    const made = await run();
    assert.equal(made.directory, join(output, 'tiny', '1'));
    const { manifest } = await loadPackage(made.directory);
    assert.deepEqual(manifest, made.manifest);
    assert.deepEqual(manifest.input, { ...description.input, tensor: 'image', background: 0 });
    assert.deepEqual(Object.keys(manifest.files).sort(), ['golden.json', 'model.onnx']);
    assert.deepEqual(await readdir(output), ['tiny']);
  });

  it('makes golden outputs from the whole network’s answers, and says so', async () => {
    const { source, run } = await prepare();
    const { golden, manifest, goldenMade } = await run();
    assert.equal(goldenMade, true);
    assert.equal(golden.cases.length, 8);
    assert.match(
      String(manifest.provenance['golden']),
      /^Made at import by the engine "onnx" from 8 synthetic images/,
    );
    assert.equal(manifest.provenance['seed'], 1);

    const pixels = Buffer.concat(golden.cases.map((one) => Buffer.from(one.pixels, 'base64')));
    const image = { dims: [8, 3, 8, 8], data: createImageTensor(manifest.input, 'nchw')(pixels) };
    const whole = await runModel(await readFile(join(source, 'model.onnx')), { image });
    manifest.exits.forEach(({ logits }, exit) => {
      const expected = whole[logits];
      assert.ok(expected);
      const actual = Float32Array.from(golden.cases.flatMap((one) => one.logits[exit] ?? []));
      assert.ok(largestDifference(actual, expected.data) <= 1e-5);
    });
    const sure = new Set(
      golden.cases.map((one) => (one.logits[0] ?? []).findIndex((v, _, all) => v === Math.max(...all))),
    );
    assert.ok(sure.size > 1, 'different images get different answers');
  });

  it('is the same every time', async () => {
    const { run } = await prepare();
    const [first, second] = [await run(), await run(true)];
    assert.deepEqual(second.manifest, first.manifest);
  });

  it('takes over the files of an exporter and verifies its golden outputs', async () => {
    const { source, run } = await prepare();
    const { directory } = await run();
    const golden = await readFile(join(directory, 'golden.json'));
    await writeFile(join(source, 'golden.json'), golden);
    await writeFile(join(source, 'MODEL_CARD.md'), '# Tiny\n');
    await writeFile(join(source, 'checkpoint.safetensors'), 'weights');
    await writeFile(join(source, 'notes.txt'), 'not taken');
    const again = await run(true);
    assert.equal(again.goldenMade, false);
    assert.equal('golden' in again.manifest.provenance, false);
    assert.deepEqual(Object.keys(again.manifest.files).sort(), [
      ...['MODEL_CARD.md', 'checkpoint.safetensors', 'golden.json', 'model.onnx'],
    ]);
    assert.deepEqual(await readFile(join(directory, 'golden.json')), golden);
  });

  it('refuses golden outputs that are not reproduced, with the exit and the difference', async () => {
    const { source, output, run } = await prepare();
    const { directory } = await run();
    const golden = await readJson<GoldenDocument>(join(directory, 'golden.json'));
    const row = golden.cases[3]?.logits[1];
    assert.ok(row);
    row[2] = (row[2] ?? 0) + 0.5;
    await writeFile(join(source, 'golden.json'), JSON.stringify(golden));
    await rm(output, { recursive: true });
    await assert.rejects(run(), {
      name: 'PackageError',
      message: /at exit "exit-1": logits differ by 0\.500/,
    });
    assert.deepEqual(await readdir(output), []);
  });

  it('does not replace a package unless it is told to', async () => {
    const { output, run, describeAs } = await prepare();
    await run();
    await describeAs({ description: 'Another one.' });
    await assert.rejects(run(), {
      name: 'UsageError',
      message: /tiny.1" exists already; give --force to replace it\.$/,
    });
    const { manifest } = await run(true);
    assert.equal(manifest.description, 'Another one.');
    const stored = await readJson<Manifest>(join(output, 'tiny', '1', 'manifest.json'));
    assert.equal(stored.description, 'Another one.');
    assert.deepEqual(await readdir(output), ['tiny']);
  });

  it('replaces a package of any name', async () => {
    const { output, run, describeAs } = await prepare();
    await describeAs({ name: 'replaced' });
    await run();
    await run(true);
    assert.deepEqual(await readdir(output), ['replaced']);
  });

  it('leaves the old package where it is if the new one is refused', async () => {
    const { output, run, source } = await prepare();
    await run();
    await writeFile(join(source, 'calibration.json'), '{}');
    await assert.rejects(run(true), {
      name: 'PackageError',
      message: /^calibration\.json: the document lacks/,
    });
    assert.equal((await loadPackage(join(output, 'tiny', '1'))).defaultProfile, 'full');
    assert.deepEqual(await readdir(output), ['tiny']);
  });

  it('takes other shapes of network', async () => {
    const { run } = await prepare({ channels: 1, exits: 1, classes: 2, size: 9 });
    const { manifest, segments } = await run();
    assert.equal(manifest.exits.length, 1);
    assert.equal(segments.length, 1);
  });
});

const wrong: Record<string, { patch: (description: Description) => object; message: RegExp }> = {
  'a name that is no path': {
    patch: () => ({ name: '../../etc' }),
    message: /^description\.json: \/name must match pattern/,
  },
  'no exits': {
    patch: () => ({ exits: [] }),
    message: /^description\.json: \/exits must not have fewer than 1 items\.$/,
  },
  'a misspelt key': {
    patch: () => ({ license: 'MIT' }),
    message: /^description\.json: the document has the unknown entry license\.$/,
  },
  'costs of its own': {
    patch: ({ exits }) => ({ exits: exits.map((exit) => ({ ...exit, flops: {} })) }),
    message: /^description\.json: \/exits\/0 has the unknown entry flops\.$/,
  },
  'a mean too many': {
    patch: ({ input }) => ({ input: { ...input, mean: [0, 0, 0, 0] } }),
    message: /^description\.json: \/input\/mean has 4 values for 3 channels\.$/,
  },
  'two exits of one name': {
    patch: ({ exits }) => ({ exits: exits.map((exit) => ({ ...exit, name: 'same' })) }),
    message: /^description\.json names two exits "same"\.$/,
  },
  'classes that the logits do not have': {
    patch: () => ({ classes: ['a', 'b'] }),
    message:
      /^The logits "logits_0" of exit "exit-0" have the shape \[batch, 10\], but there are 2 classes \("a", "b"\)\.$/,
  },
  'names that several classes have': {
    patch: ({ classes }) => ({ classes: classes.with(2, 'crane').with(7, 'crane ') }),
    message: /^description\.json gives several classes the same name: "crane" \(2, 7\)\. Give each a name /,
  },
  'a class without a name': {
    patch: ({ classes }) => ({ classes: classes.with(3, ' ') }),
    message: /^description\.json: class 3 has no name\.$/,
  },
  'another image': {
    patch: ({ input }) => ({ input: { ...input, height: 9 } }),
    message: /takes \[batch, 3, 8, 8\], not the described \[batch, 3, 9, 8\]\.$/,
  },
};

describe('an import refuses a description with', () => {
  for (const [name, { patch, message }] of Object.entries(wrong)) {
    it(name, async () => {
      const { run, description, describeAs } = await prepare();
      await describeAs(patch(description));
      await assert.rejects(run(), { name: 'PackageError', message });
    });
  }
});

describe('an import refuses', () => {
  it('a source that is no folder', async () => {
    const { source, output } = await prepare();
    await assert.rejects(
      importPackage({ source: join(source, 'none'), output, force: false, engine: createEngine() }),
      { name: 'UsageError', message: /none" is neither a folder nor a file whose name ends in \.onnx\.$/ },
    );
  });

  it('an output that cannot be written to', async () => {
    const { output, run } = await prepare();
    await writeFile(output, 'a file where the models folder should be');
    await assert.rejects(run(), { name: 'UsageError', message: /models" cannot be written to: E/ });
  });

  for (const file of ['model.onnx', 'description.json']) {
    it(`a source without ${file}`, async () => {
      const { source, run } = await prepare();
      await rm(join(source, file));
      await assert.rejects(run(), { name: 'PackageError', message: `${file} is missing.` });
    });
  }

  it('a graph that the runtime cannot run', async () => {
    const { source, run } = await prepare();
    const path = join(source, 'model.onnx');
    const model = decodeModel(await readFile(path));
    for (const one of model.opsetImport) one.version = 9999n;
    await writeFile(path, encodeModel(model));
    await assert.rejects(run(), {
      name: 'PackageError',
      message: /^The engine "onnx" cannot run model\.onnx: /,
    });
  });

  for (const count of [8, 1]) {
    it(`a network that normalises over the images of a batch, with golden outputs of ${count}`, async () => {
      const { source, run, description } = await prepare();
      const path = join(source, 'model.onnx');
      const model = decodeModel(await readFile(path));
      const nodes = model.graph?.node ?? [];
      const at = nodes.findIndex((one) => one.output.includes('cut_1'));
      Object.assign(nodes[at] ?? {}, { output: ['before'] });
      nodes.splice(at + 1, 0, {
        ...node('MeanVarianceNormalization', ['before'], ['cut_1']),
        name: 'mixing',
      });
      // What it gives is taken from the file: rdi-serve does not know this operator.
      Object.assign(model.graph ?? {}, { valueInfo: [tensorInfo('cut_1', ['batch', 8, 4, 4])] });
      const bytes = encodeModel(model);
      await writeFile(path, bytes);

      const { tensor, classes, exits } = description;
      const input = { ...description.input, tensor, background: 0 };
      const network = readNetwork(bytes, { input, classes, exits });
      const golden = await makeGolden(createEngine(), network, input, count, 1);
      await writeFile(join(source, 'golden.json'), JSON.stringify(golden));
      await assert.rejects(run(), {
        name: 'PackageError',
        message:
          /^Images in one batch influence each other at exit "exit-1": logits differ by .*, more than /,
      });
    });
  }

  it('a network that drops the axis of a batch of one', async () => {
    const { source, run } = await prepare();
    const path = join(source, 'model.onnx');
    const model = decodeModel(await readFile(path));
    const nodes = model.graph?.node ?? [];
    const at = nodes.findIndex((one) => one.output.includes('rows_1'));
    // Squeeze names no axes: of one image it leaves [channels, height, width], whose axis 1 is the height.
    nodes.splice(
      at,
      1,
      node('Unsqueeze', ['pooled_1', 'axis'], ['unsqueezed']),
      node('Squeeze', ['unsqueezed'], ['squeezed']),
      node('Softmax', ['squeezed'], ['weighed'], { axis: 1 }),
      node('Reshape', ['weighed', 'flat'], ['rows_1']),
    );
    model.graph?.initializer?.push(intTensor('axis', [1]), intTensor('flat', [-1, 32]));
    await writeFile(path, encodeModel(model));
    await assert.rejects(run(), {
      name: 'PackageError',
      message: /^An image alone is answered otherwise than in a batch at exit "exit-1": logits differ by /,
    });
  });

  it('a network whose answers are not numbers', async () => {
    const { source, run } = await prepare();
    const path = join(source, 'model.onnx');
    const model = decodeModel(await readFile(path));
    const bias = model.graph?.initializer?.find((one) => one.name === 'logits_1_bias');
    assert.ok(bias);
    bias.rawData = new Uint8Array(new Float32Array(10).fill(Number.NaN).buffer);
    await writeFile(path, encodeModel(model));
    await assert.rejects(run(), { name: 'PackageError', message: /logits that are not finite numbers/ });
  });
});
