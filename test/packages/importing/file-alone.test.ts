// An ONNX file without a description: what is found in it, what has to be said, and lists of labels.
import assert from 'node:assert/strict';
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { createEngine } from '../../../src/engines/onnx.js';
import { decodeModel, encodeModel } from '../../../src/onnx/proto.js';
import { importPackage } from '../../../src/packages/import.js';
import { readLabels } from '../../../src/packages/importing/class-labels.js';
import { proposeDescription, type Wishes } from '../../../src/packages/importing/propose.js';
import {
  type GraphProto,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
} from '../../../src/protobuf/onnx-ml_pb.js';
import { exportsOf, fileOf } from '../../support/exports/exports.js';
import { buildTestNetwork } from '../../support/packages/network.js';
import { floatTensor, node, tensorInfo } from '../../support/packages/onnx-builder.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const classes = Array.from({ length: 10 }, (_, index) => `class ${index}`);
const wishes: Wishes = { classes, preprocess: 'unit' };

/** What is proposed of the test network. */
function propose(edit: (graph: GraphProto) => void = () => {}, wished = wishes) {
  const model = decodeModel(buildTestNetwork({ size: 8, width: 4 }).model);
  if (model.graph) edit(model.graph);
  return proposeDescription('some/Tiny Net.onnx', encodeModel(model), wished);
}

describe('a file alone', () => {
  for (const [name, { tensor, exits }] of Object.entries(exportsOf)) {
    it(`shows what ${name} is`, async () => {
      const folder = temporaryFolder();
      await mkdir(join(folder, 'own'));
      const source = join(folder, 'own', `${name}.onnx`);
      await copyFile(fileOf(name), source);
      const { manifest, proposed } = await importPackage({
        ...{ source, output: join(folder, 'models'), force: false, engine: createEngine() },
        wishes: { ...wishes, preprocess: 'imagenet', licence: 'MIT', version: '2' },
      });
      assert.equal(proposed?.tensor, tensor);
      assert.deepEqual(
        manifest.exits.map(({ logits, cut }) => [logits, cut]),
        exits.map((exit) => [exit.logits, 'cut' in exit ? exit.cut : undefined]),
      );
      assert.deepEqual([manifest.name, manifest.version, manifest.licence], [name, '2', 'MIT']);
      const { height, interpolation } = manifest.input;
      const expected = [{ shorterSide: Math.floor(height / 0.875) }, 'bilinear'];
      assert.deepEqual([manifest.input.resize, interpolation], expected);
    });
  }

  it('gives the exits in the order of their depth, with a cut before the next one’s', () => {
    const { name, exits, input } = propose((graph) => graph.output?.reverse());
    assert.equal(name, 'tiny-net');
    assert.deepEqual(exits, [
      { name: 'exit-0', logits: 'logits_0', cut: 'cut_0' },
      { name: 'exit-1', logits: 'logits_1', cut: 'cut_1' },
      { name: 'final', logits: 'logits_2' },
    ]);
    assert.deepEqual(input, {
      ...{ height: 8, width: 8, channels: 3 },
      ...{ mean: [0, 0, 0], std: [1, 1, 1], resize: 'fill' },
    });
  });

  it('may give cuts and other tensors as outputs too', () => {
    const { exits } = propose((graph) =>
      graph.output?.unshift(tensorInfo('cut_0', ['batch', 4, 8, 8]), tensorInfo('rows_1', ['batch', 32])),
    );
    assert.deepEqual(
      exits.map(({ logits }) => logits),
      ['logits_0', 'logits_1', 'logits_2'],
    );
  });

  it('needs what no graph says, all of which is asked for at once', () => {
    assert.throws(() => propose(undefined, { preprocess: 'mnist' }), {
      name: 'UsageError',
      message: /names of the 10 classes, .* Give --preprocess .* There is no "mnist" for 3 channels\.$/,
    });
    const open = (graph: GraphProto) => {
      graph.input = [tensorInfo('image', ['batch', 3, 'height', 'width'])];
    };
    assert.throws(() => propose(open), { name: 'UsageError', message: /Give --size HEIGHTxWIDTH/ });
    assert.equal(propose(open, { ...wishes, size: { height: 8, width: 9 } }).input.width, 9);
  });

  it('has its exits in the order in which they leave the backbone, however long their heads are', () => {
    const usual = propose().exits;
    for (const layers of [1, 5, 20]) {
      const edit = (graph: GraphProto) => {
        const head = graph.node.find(({ output }) => output[0] === 'logits_0');
        assert.ok(head);
        for (let layer = 0; layer < layers; layer++) {
          const name = `longer_${layer}`;
          graph.node.splice(graph.node.indexOf(head), 0, node('Relu', [head.input[0] ?? ''], [name]));
          head.input[0] = name;
        }
      };
      assert.deepEqual(propose(edit).exits, usual);
    }
  });

  it('is called like its folder if it is a model.onnx, as of Hugging Face', () => {
    const { model } = buildTestNetwork({ size: 8, width: 4 });
    assert.equal(proposeDescription('some/ViT base/model.onnx', model, wishes).name, 'vit-base');
    assert.equal(proposeDescription('/model.onnx', model, wishes).name, 'network');
  });

  it('has the size that it says', () => {
    assert.throws(() => propose(undefined, { ...wishes, size: { height: 16, width: 16 } }), {
      name: 'UsageError',
      message: /takes images of 8x8, so --size cannot be 16x16\.$/,
    });
  });

  it('may be a link to a file that lies elsewhere', async () => {
    const folder = temporaryFolder();
    await mkdir(join(folder, 'links'));
    await writeFile(join(folder, 'blob'), buildTestNetwork({ size: 8, width: 4 }).model);
    const source = join(folder, 'links', 'net.onnx');
    await symlink('../blob', source);
    const options = { source, output: join(folder, 'models'), force: false, engine: createEngine() };
    assert.equal((await importPackage({ ...options, wishes })).manifest.name, 'net');
  });

  it('may have open dimensions of -1, as Paddle2ONNX writes them', async () => {
    const model = decodeModel(buildTestNetwork({ size: 8, width: 4 }).model);
    assert.ok(model.graph);
    model.graph.input = [tensorInfo('image', [-1, 3, -1, '?'])];
    model.graph.output = [0, 1, 2].map((exit) => tensorInfo(`logits_${exit}`, [-1, 10]));
    const folder = temporaryFolder();
    const source = join(folder, 'net.onnx');
    await writeFile(source, encodeModel(model));
    const options = { source, output: join(folder, 'models'), force: false, engine: createEngine() };
    await assert.rejects(importPackage({ ...options, wishes }), /Give --size HEIGHTxWIDTH/);
    const size = { height: 8, width: 8 };
    const { manifest, notes } = await importPackage({ ...options, wishes: { ...wishes, size } });
    assert.deepEqual([manifest.input.height, manifest.exits.length, notes], [8, 3, []]);
  });

  it('is refused with as many classes as no output has', () => {
    assert.throws(() => propose(undefined, { ...wishes, classes: ['a', 'b'] }), {
      name: 'PackageError',
      message: /which outputs of model\.onnx are logits of 2 classes: "logits_0" \[batch, 10\], /,
    });
  });

  it('is refused with a second input', () => {
    const edit = (graph: GraphProto) => graph.input.push(tensorInfo('other', ['batch', 3]));
    assert.throws(
      () => propose(edit),
      /has the inputs "image", "other"; it must have one input, the image\.$/,
    );
  });

  it('is refused with exits that share nothing but the image', () => {
    const edit = (graph: GraphProto) => {
      graph.initializer?.push(floatTensor('own_weight', [10, 192], new Array<number>(1920).fill(0.1)));
      graph.node.push(
        node('Flatten', ['image'], ['own_rows']),
        node('Gemm', ['own_rows', 'own_weight'], ['own'], { transB: 1 }),
      );
      graph.output?.push(tensorInfo('own', ['batch', 10]));
    };
    assert.throws(
      () => propose(edit),
      /cannot be cut between the outputs "own" and "logits_0": no tensors except the image/,
    );
  });

  it('is refused by the name that the user gave', async () => {
    const folder = temporaryFolder();
    const options = { output: join(folder, 'models'), force: false, engine: createEngine(), wishes };
    const refuses = async (bytes: Uint8Array, message: (source: string) => string): Promise<void> => {
      const source = join(folder, 'net.onnx');
      await writeFile(source, bytes);
      await assert.rejects(importPackage({ ...options, source }), (error: Error) => {
        assert.equal(error.name, 'PackageError');
        assert.ok(error.message.startsWith(message(source)), error.message);
        return true;
      });
    };
    const { model } = buildTestNetwork({ size: 8, width: 4 });
    await refuses(
      model.subarray(0, 1000),
      (source) => `${source} is not an ONNX model, or only a part of one: it has 1000 bytes (`,
    );
    await refuses(
      new Uint8Array(),
      (source) => `${source} is not an ONNX model, or only a part of one: it has 0 b`,
    );
    const apart = decodeModel(model);
    for (const tensor of apart.graph?.initializer ?? []) {
      const location = create(StringStringEntryProtoSchema, { key: 'location', value: 'model.onnx.data' });
      Object.assign(tensor, { dataLocation: TensorProto_DataLocation.EXTERNAL, externalData: [location] });
    }
    await refuses(
      encodeModel(apart),
      (source) =>
        `${source} stores weights in a separate file: model.onnx.data is missing. Copy that file into the folder of ${source} u`,
    );
  });

  it('is no other kind of file', async () => {
    const source = join(temporaryFolder(), 'notes.txt');
    await writeFile(source, 'no model');
    await assert.rejects(
      importPackage({ source, output: temporaryFolder(), force: false, engine: createEngine(), wishes }),
      { name: 'UsageError', message: /is neither a folder nor a file whose name ends in \.onnx\.$/ },
    );
  });
});

describe('names of classes are read from', () => {
  const files: Record<string, string> = {
    'a line each': 'cat\nblack dog\n\n',
    'a column behind an index': '0\tcat\n1\tblack dog\n',
    'a column in another order': '1,black dog\r\n0,cat\r\n',
    'columns with identifiers and a head': 'index,id,name\n0,n02121808,cat\n1,n02084071,"black dog"\n',
    'columns in another order, one of them unused':
      'name;superclass;index\n"black dog";animal;1\n"cat";animal;0\n',
    'columns with commas in quotes, and no index':
      'id,label\nn02121808,"cat, domestic"\nx7,"the ""black"" dog"\n',
    'a column behind identifiers': 'n02121808 cat\nn02084071 black dog\n',
    JSON: '["cat", "black dog"]',
    'JSON by index': '{"1": "black dog", "0": "cat"}',
    'JSON by index, with identifiers, as Keras has it':
      '{"0": ["n02121808", "cat"], "1": ["n02084071", "black dog"]}',
    'a config.json of Hugging Face': '{"id2label": {"0": "cat", "1": "black dog"}, "num_labels": 2}',
  };
  for (const [name, text] of Object.entries(files)) {
    it(name, () => {
      const quoted = name.includes('quotes');
      const expected = quoted ? ['cat, domestic', 'the "black" dog'] : ['cat', 'black dog'];
      assert.deepEqual(readLabels('labels', text), expected);
    });
  }

  it('numbers that are names themselves', () => {
    assert.deepEqual(readLabels('labels', '0\n1\n2\n'), ['0', '1', '2']);
  });

  it('no list with a gap', () => {
    assert.throws(
      () => readLabels('labels', '0 cat\n2 dog\n'),
      /2 lines with indices, but none with the index 1\.$/,
    );
  });

  it('no columns with a gap, of another number or without an index', () => {
    assert.throws(
      () => readLabels('labels', 'index,name\n0,cat\n2,dog\n'),
      /2 lines with indices, but none with the index 1\.$/,
    );
    assert.throws(
      () => readLabels('labels', 'index,name\n0,cat,big\n'),
      /"0,cat,big" has 3 columns; the first line has 2/,
    );
    assert.throws(
      () => readLabels('labels', 'index,name\nx,cat\n'),
      /has the index "x"; it must be a number/,
    );
  });

  it('no JSON that is no list of names', () => {
    assert.throws(() => readLabels('labels', '{"a": "cat"}'), /neither a list of names nor names by index/);
    assert.throws(() => readLabels('labels', '[1, 2]'), {
      name: 'UsageError',
      message: /not a list of names/,
    });
    assert.throws(() => readLabels('labels', '["a",'), { name: 'UsageError', message: /is not valid JSON/ });
  });
});
