// Networks as exporters write them: imported, they answer stage by stage as the whole file does.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createImageTensor } from '../../../src/cascade/image-tensor.js';
import { createEngine } from '../../../src/engines/onnx.js';
import type { Description } from '../../../src/format/description.js';
import { tensorFloats } from '../../../src/onnx/attributes.js';
import { declaredType } from '../../../src/onnx/graph.js';
import { decodeModel, encodeModel } from '../../../src/onnx/proto.js';
import { type ImportedPackage, importPackage } from '../../../src/packages/import.js';
import { loadPackage } from '../../../src/packages/package.js';
import { describeExport, exportsOf, fileOf, writeExport } from '../../support/exports/exports.js';
import { buildTestNetwork } from '../../support/packages/network.js';
import { floatTensor, intTensor, node, tensorInfo } from '../../support/packages/onnx-builder.js';
import { largestDifference, runModel } from '../../support/packages/run-model.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

async function importFile(description: Description, file: string): Promise<ImportedPackage> {
  const folder = temporaryFolder();
  const source = join(folder, 'export');
  await writeExport(source, description, file);
  return importPackage({ source, output: join(folder, 'models'), force: false, engine: createEngine() });
}

/** Holds the golden outputs, made stage by stage, against the whole file's answers to the same pixels. */
async function assertSameAnswers(
  made: ImportedPackage,
  file: string,
  logits: readonly string[],
): Promise<void> {
  const { golden, manifest } = made;
  const { tensor, layout, channels, height, width } = manifest.input;
  const pixels = Buffer.concat(golden.cases.map((one) => Buffer.from(one.pixels, 'base64')));
  const image = layout === 'nhwc' ? [height, width, channels] : [channels, height, width];
  const dims = [golden.cases.length, ...image];
  const data = createImageTensor(manifest.input, 'nchw')(pixels);
  const whole = await runModel(await readFile(file), { [tensor]: { dims, data } });
  logits.forEach((name, exit) => {
    const expected = whole[name];
    assert.ok(expected);
    const actual = Float32Array.from(golden.cases.flatMap((one) => one.logits[exit] ?? []));
    assert.ok(largestDifference(actual, expected.data) <= 1e-4, name);
  });
}

describe('an export of', () => {
  /** By hand: 2 × multiply-accumulates of [stage 0, head 0, stage 1]. */
  const flops = {
    'vit-tiny': [2 * (16 * 16 * 192 + layer()), 2 * 16 * 10, 4 * layer() + 2 * 16 * 10],
    'convnext-tiny': [164_864, 2 * 8 * 10, 107_328],
    'flax-nhwc': [2 * 32 * 32 * 8 * 27, 2 * 8 * 10, 2 * 16 * 16 * 16 * 72 + 2 * 16 * 10],
  };
  /** A layer of an encoder for 17 tokens of 16 values, in 2 heads. */
  function layer(): number {
    return 17 * 16 * 48 + 2 * 17 * 17 * 16 + 17 * 16 * 16 + 2 * 17 * 16 * 32;
  }

  for (const [name, one] of Object.entries(exportsOf)) {
    it(`${name} answers stage by stage as the file does`, async () => {
      const made = await importFile(describeExport(name, one), fileOf(name));
      await assertSameAnswers(
        made,
        fileOf(name),
        one.exits.map(({ logits }) => logits),
      );
      assert.deepEqual(
        made.notes.filter((note) => /^Only the engine onnx/.test(note)),
        [],
      );
      const { manifest } = await loadPackage(made.directory);
      const [first, final] = manifest.exits.map((exit) => exit.flops);
      assert.deepEqual([first?.stage, first?.head, final?.stage], flops[name as keyof typeof flops]);
    });
  }
});

it('a graph that has channels last says so in its manifest and in what import tells', async () => {
  const name = 'flax-nhwc';
  const { manifest, notes } = await importFile(describeExport(name, exportsOf[name]), fileOf(name));
  assert.equal(manifest.input.layout, 'nhwc');
  assert.equal(notes[0], 'The input "in_0" has the channels last: [batch, height, width, channels].');
  const other = await importFile(describeExport('vit', exportsOf['vit-tiny']), fileOf('vit-tiny'));
  assert.equal('layout' in other.manifest.input, false);
});

describe('exits that end in probabilities', () => {
  for (const operator of ['Softmax', 'LogSoftmax']) {
    it(`have logits once the ${operator} is removed`, async () => {
      const { model, description } = buildTestNetwork({ size: 8, width: 4 });
      const proto = decodeModel(model);
      for (const one of proto.graph?.output ?? []) {
        const name = `probabilities_${one.name}`;
        const raw = one.name ?? '';
        proto.graph?.node?.push(
          node(operator, [raw], [`raw_${name}`], { axis: -1 }),
          node('Identity', [`raw_${name}`], [name]),
        );
        one.name = name;
      }
      const file = join(temporaryFolder(), 'model.onnx');
      await writeFile(file, encodeModel(proto));
      const exits = description.exits.map((exit) => ({ ...exit, logits: `probabilities_${exit.logits}` }));
      const made = await importFile({ ...description, exits }, file);
      assert.deepEqual(
        made.manifest.exits.map(({ logits }) => logits),
        ['logits_0', 'logits_1', 'logits_2'],
      );
      assert.equal(
        made.notes[0],
        `Exit "exit-0" ended in a ${operator}, which was removed; the logits are its input, "logits_0".`,
      );
      const plain = join(temporaryFolder(), 'model.onnx');
      await writeFile(plain, model);
      await assertSameAnswers(made, plain, ['logits_0', 'logits_1', 'logits_2']);
      const { graph } = decodeModel(await readFile(join(made.directory, 'model.onnx')));
      assert.equal(
        graph?.node.some(({ opType }) => opType === operator || opType === 'Identity'),
        false,
      );
    });
  }

  it('keep it where it is no end', async () => {
    const { model, description } = buildTestNetwork({ size: 8, width: 4 });
    const file = join(temporaryFolder(), 'model.onnx');
    await writeFile(file, model);
    assert.deepEqual((await importFile(description, file)).notes, []);
  });
});

describe('a batch that is fixed in the file', () => {
  /** The test network with fixed dimensions, and Reshapes to fixed targets, as exports without dynamic_shapes have. */
  async function fixed(batch: number, target: number[], expanded?: true): Promise<[string, string]> {
    const { model } = buildTestNetwork({ size: 8, width: 4 });
    const [plain, file] = ['plain.onnx', 'fixed.onnx'].map((name) => join(temporaryFolder(), name)) as [
      string,
      string,
    ];
    await writeFile(plain, model);
    const proto = decodeModel(model);
    const { nodes, input = [], output = [] } = { nodes: proto.graph?.node ?? [], ...proto.graph };
    for (const info of [...input, ...output]) {
      const first = declaredType(info)?.shape?.dim[0];
      if (first) first.value = { case: 'dimValue', value: BigInt(batch) };
    }
    const flatten = nodes.findIndex((one) => one.output?.[0] === 'rows_1');
    nodes.splice(
      flatten,
      1,
      node('Transpose', ['pooled_1'], ['turned'], { perm: [1, 0, 2, 3] }),
      node(expanded ? 'Expand' : 'Reshape', ['turned', 'middle'], ['pairs']),
      node('Reshape', ['pairs', 'four'], ['four_axes']),
      node('Transpose', ['four_axes'], ['turned_back'], { perm: [1, 0, 2, 3] }),
      node('Reshape', ['turned_back', 'target'], ['rows_1']),
    );
    proto.graph?.initializer.push(
      intTensor('middle', expanded ? [8, batch, 2, 2] : [8, batch, 4]),
      intTensor('four', [8, batch, 2, 2]),
      intTensor('target', target),
    );
    await writeFile(file, encodeModel(proto));
    return [plain, file];
  }
  const { description } = buildTestNetwork({ size: 8, width: 4 });

  for (const [batch, target] of [
    [1, [1, 32]],
    [1, [1, -1]],
    [2, [2, 32]],
  ] as const) {
    it(`of ${batch} varies, with rows of [${target}]`, async () => {
      const [plain, file] = await fixed(batch, [...target]);
      const made = await importFile(description, file);
      assert.equal(
        made.notes[0],
        `The file fixes the batch to ${batch}; it is dynamic now, and the network was run with other sizes.`,
      );
      await assertSameAnswers(made, plain, ['logits_0', 'logits_1', 'logits_2']);
    });
  }

  it('varies where only targets inside the file fix it', async () => {
    const [plain, file] = await fixed(1, [1, 32]);
    const proto = decodeModel(await readFile(file));
    for (const info of proto.graph?.input ?? []) {
      const first = declaredType(info)?.shape?.dim[0];
      if (first) first.value = { case: 'dimParam', value: 'batch' };
    }
    await writeFile(file, encodeModel(proto));
    const made = await importFile(description, file);
    assert.match(made.notes[0] ?? '', /^Parts of the network fix the batch; it is dynamic now,/);
    await assertSameAnswers(made, plain, ['logits_0', 'logits_1', 'logits_2']);
  });

  it('varies where a Constant node holds the target, and where the fixed target joins axes of the image', async () => {
    const [plain, file] = await fixed(1, [1, 32]);
    const proto = decodeModel(await readFile(file));
    const { graph } = proto;
    assert.ok(graph);
    const isTarget = ({ name }: { name: string }) => name === 'target';
    const target = graph.initializer.find(isTarget);
    assert.ok(target);
    graph.initializer = graph.initializer.filter((one) => !isTarget(one));
    graph.node.unshift(node('Constant', [], ['target'], { value: { tensor: target } }));
    // As long as the target before it is fixed, this Softmax seems to go over the batch.
    const rows = graph.node.find(({ output }) => output[0] === 'logits_1');
    assert.ok(rows);
    const from = rows.input[0] ?? '';
    graph.node.splice(
      graph.node.indexOf(rows),
      0,
      node('Reshape', [from, 'open'], ['tokens']),
      node('Softmax', ['tokens'], ['shares'], { axis: 2 }),
      node('Reshape', ['shares', 'target'], ['flat']),
      node('Sub', [from, 'flat'], ['less']),
      node('Add', ['less', 'flat'], ['same']),
    );
    rows.input[0] = 'same';
    graph.initializer.push(intTensor('open', [1, 8, -1]));
    await writeFile(file, encodeModel(proto));
    await assertSameAnswers(await importFile(description, file), plain, ['logits_0', 'logits_1', 'logits_2']);
  });

  for (const batch of [1, 2]) {
    it(`of ${batch} varies where the file stores a class token for so many images`, async () => {
      const [plain, file] = await fixed(batch, [batch, 32]);
      for (const path of [plain, file]) {
        const proto = decodeModel(await readFile(path));
        const { graph } = proto;
        const end = graph?.node.find(({ output }) => output[0] === 'logits_1');
        assert.ok(graph && end);
        const [from = ''] = end.input;
        const isFixed = path === file;
        const token = batch === 1 && isFixed ? 'token' : 'tokens';
        graph.node.splice(
          graph.node.indexOf(end),
          0,
          ...(isFixed
            ? []
            : [node('Shape', ['image'], ['whole']), node('Slice', ['whole', 'none', 'one'], ['count'])]),
          ...(isFixed ? [] : [node('Concat', ['count', 'one'], ['wide'], { axis: 0 })]),
          ...(token === 'tokens' ? [node('Expand', ['token', isFixed ? 'fixed' : 'wide'], ['tokens'])] : []),
          node('Concat', [token, from], ['joined'], { axis: -1 }),
          node('Slice', ['joined', 'one', 'all', 'one'], ['behind']),
          node('Slice', ['joined', 'none', 'one', 'one'], ['front']),
          node('Add', ['behind', 'front'], ['moved']),
        );
        end.input[0] = 'moved';
        graph.initializer.push(
          ...[
            intTensor('none', [0]),
            intTensor('one', [1]),
            intTensor('all', [99]),
            intTensor('fixed', [batch, 1]),
          ],
          floatTensor('token', [1, 1], [0.75]),
        );
        await writeFile(path, encodeModel(proto));
      }
      const made = await importFile(description, file);
      assert.match(
        made.notes[0] ?? '',
        new RegExp(`^The file fixes the batch to ${batch}; it is dynamic now`),
      );
      await assertSameAnswers(made, plain, ['logits_0', 'logits_1', 'logits_2']);
    });
  }

  it('is refused where the network cannot be run with another', async () => {
    const [, file] = await fixed(2, [2, 32], true);
    await assert.rejects(importFile(description, file), {
      name: 'PackageError',
      message:
        /has a fixed batch of 2, and the network cannot be run with another batch: .* with dynamic_shapes and an example of two images\.$/s,
    });
  });
});

describe('numbers other than float32', () => {
  it('may be all of a network in half precision: it answers as the file does', async () => {
    const { model, description } = buildTestNetwork({ size: 8, width: 4 });
    const proto = decodeModel(model);
    const nodes = proto.graph?.node ?? [];
    // Everything between two casts, as converters to half precision write it, but for image and logits themselves.
    for (const tensor of proto.graph?.initializer ?? []) {
      const values = tensorFloats(tensor) ?? new Float32Array();
      Object.assign(tensor, { dataType: 10, rawData: halves(values), floatData: [] });
    }
    const { input = [], output = [] } = proto.graph ?? {};
    for (const info of [...input, ...output]) {
      const type = declaredType(info);
      if (type) type.elemType = 10;
    }
    const half = join(temporaryFolder(), 'half.onnx');
    await writeFile(half, encodeModel(proto));
    const made = await importFile(description, half);
    assert.deepEqual(
      made.manifest.exits.map(({ logits, cut }) => [logits, cut]),
      [
        ['logits_0/float32', 'cut_0/float32'],
        ['logits_1/float32', 'cut_1/float32'],
        ['logits_2/float32', undefined],
      ],
    );
    assert.match(made.notes[0] ?? '', /^The input "image" is float16 in the file; /);

    // The same file between casts, so that it can be asked in float32.
    nodes.unshift(node('Cast', ['outside'], ['image'], { to: 10 }));
    for (const info of output) {
      nodes.push(node('Cast', [info.name ?? ''], [`float_${info.name}`], { to: 1 }));
      info.name = `float_${info.name}`;
    }
    for (const info of [...input, ...output]) {
      const type = declaredType(info);
      if (type) type.elemType = 1;
    }
    for (const info of input) info.name = 'outside';
    const asked = join(temporaryFolder(), 'asked.onnx');
    await writeFile(asked, encodeModel(proto));
    const named = {
      ...made,
      manifest: { ...made.manifest, input: { ...made.manifest.input, tensor: 'outside' } },
    };
    await assertSameAnswers(named, asked, ['float_logits_0', 'float_logits_1', 'float_logits_2']);
  });

  it('may be bytes that the graph scales itself', async () => {
    const { model, description } = buildTestNetwork({ size: 8, width: 4 });
    const proto = decodeModel(model);
    for (const one of proto.graph?.node ?? [])
      one.input = one.input?.map((name) => (name === 'image' ? 'scaled' : name)) ?? [];
    proto.graph?.node?.unshift(
      node('Cast', ['image'], ['float'], { to: 1 }),
      node('Div', ['float', 'white'], ['scaled']),
    );
    proto.graph?.initializer.push(floatTensor('white', [], [255]));
    const [first] = proto.graph?.input ?? [];
    const type = first && declaredType(first);
    if (type) type.elemType = 2;
    const file = join(temporaryFolder(), 'bytes.onnx');
    await writeFile(file, encodeModel(proto));
    await assert.rejects(importFile(description, file), {
      name: 'PackageError',
      message: /takes pixels as bytes and scales them itself; describe mean 0 and std 1\.$/,
    });
    const input = { ...description.input, mean: [0, 0, 0], std: [1, 1, 1] };
    const made = await importFile({ ...description, input }, file);
    const plain = join(temporaryFolder(), 'plain.onnx');
    await writeFile(plain, model);
    await assertSameAnswers(made, plain, ['logits_0', 'logits_1', 'logits_2']);
  });

  /** Half-precision numbers, of values that are neither very large nor very small. */
  function halves(values: Float32Array): Uint8Array {
    const bits = new Uint32Array(Float32Array.from(values).buffer);
    const shortened = Uint16Array.from(bits, (one) => {
      const exponent = ((one >>> 23) & 255) - 112;
      const sign = (one >>> 16) & 0x8000;
      return exponent <= 0 ? sign : sign | (exponent << 10) | ((one >>> 13) & 0x3ff);
    });
    return new Uint8Array(shortened.buffer);
  }
});

describe('an operator without a rule of shapes', () => {
  it('is taken where it gives the logits, and the file leaves their shape open', async () => {
    const { model, description } = buildTestNetwork({ size: 8, width: 4 });
    const proto = decodeModel(model);
    const made = proto.graph?.node.find(({ output }) => output[0] === 'logits_2');
    assert.ok(made && proto.graph);
    Object.assign(made, { name: 'before', output: ['before'] });
    proto.graph.node.push(node('Sign', ['before'], ['logits_2']));
    proto.graph.output = proto.graph.output.map(({ name }) => tensorInfo(name, ['batch', 'open']));
    const file = join(temporaryFolder(), 'signs.onnx');
    await writeFile(file, encodeModel(proto));
    const imported = await importFile(description, file);
    await assertSameAnswers(imported, file, ['logits_0', 'logits_1', 'logits_2']);
    assert.equal((await loadPackage(imported.directory)).manifest.exits.length, 3);
  });

  it('is taken as the engine runs it, wherever it is, and the package loads without running it', async () => {
    const { model, description } = buildTestNetwork({ size: 8, width: 4 });
    const proto = decodeModel(model);
    const nodes = proto.graph?.node ?? [];
    const at = nodes.findIndex((one) => one.output?.[0] === 'sum_1');
    Object.assign(nodes[at] ?? {}, { output: ['before'] });
    // Cast to half precision and back, halves of the channels swapped, images as rows of a larger batch meanwhile.
    nodes.splice(
      at + 1,
      0,
      node('Cast', ['before'], ['half'], { to: 10 }),
      node('Split', ['half', 'sizes'], ['left', 'right'], { axis: 1 }),
      node('Concat', ['right', 'left'], ['swapped'], { axis: 1 }),
      node('Cast', ['swapped'], ['single'], { to: 1 }),
      node('Reshape', ['single', 'rows'], ['as_rows']),
      node('Sign', ['as_rows'], ['signs']),
      node('Einsum', ['signs', 'mixing'], ['mixed'], { equation: 'nij,jk->nik' }),
      { ...node('Reshape', ['mixed', 'back'], ['sum_1']), name: 'reordered' },
    );
    proto.graph?.initializer.push(
      intTensor('sizes', [4, 4]),
      intTensor('rows', [-1, 4, 4]),
      intTensor('back', [-1, 8, 4, 4]),
      floatTensor(
        'mixing',
        [4, 4],
        Array.from({ length: 16 }, (_, i) => Math.sin(i)),
      ),
    );
    const file = join(temporaryFolder(), 'unusual.onnx');
    await writeFile(file, encodeModel(proto));
    const made = await importFile(description, file);
    await assertSameAnswers(made, file, ['logits_0', 'logits_1', 'logits_2']);
    const { manifest } = await loadPackage(made.directory);
    const plain = await importFile(description, await written(model));
    assert.equal(
      (manifest.exits[1]?.flops.stage ?? 0) - (plain.manifest.exits[1]?.flops.stage ?? 0),
      2 * 8 * 4 * 4 * 4,
    );
  });

  it('leaves a file that needs no measuring as it is', async () => {
    const { model, description } = buildTestNetwork({ size: 8, width: 4 });
    const { directory } = await importFile(description, await written(model));
    assert.deepEqual(await readFile(join(directory, 'model.onnx')), Buffer.from(model));
  });

  async function written(model: Uint8Array): Promise<string> {
    const file = join(temporaryFolder(), 'plain.onnx');
    await writeFile(file, model);
    return file;
  }
});
