// Reading and writing ONNX files: nothing is lost on the way, and nothing unfit gets in.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, isFieldSet } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { PackageError } from '../../src/foundation/errors.js';
import { readGraph } from '../../src/onnx/graph.js';
import { decodeModel, encodeModel } from '../../src/onnx/proto.js';
import { readNetwork } from '../../src/packages/package.js';
import {
  AttributeProtoSchema,
  FunctionProtoSchema,
  type GraphProto,
  type ModelProto,
  NodeProtoSchema,
  SparseTensorProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from '../../src/protobuf/onnx-ml_pb.js';
import { buildTestNetwork } from '../support/packages/network.js';
import { floatTensor, intTensor, modelOf, node, tensorInfo } from '../support/packages/onnx-builder.js';
import { runModel } from '../support/packages/run-model.js';

const { model, description } = buildTestNetwork({ size: 8, width: 4 });

function tinyModel(): ModelProto {
  return modelOf({
    nodes: [node('Relu', ['image'], ['middle']), node('Add', ['middle', 'one'], ['out'])],
    initializers: [floatTensor('one', [1], [1])],
    inputs: [tensorInfo('image', ['batch', 2])],
    outputs: [tensorInfo('out', ['batch', 2])],
  });
}

describe('a round trip', () => {
  it('keeps every byte of a file written here', () => {
    assert.deepEqual(Buffer.from(encodeModel(decodeModel(model))), Buffer.from(model));
  });

  it('keeps fields and enumeration values that the format does not know', () => {
    const known = (writer: BinaryWriter, text: string): BinaryWriter =>
      writer.tag(1, WireType.LengthDelimited).string(text);
    const unknown = (writer: BinaryWriter): BinaryWriter =>
      writer.tag(999, WireType.LengthDelimited).string('newer').tag(1000, WireType.Varint).int32(-1);
    const inside = (field: number, outer: BinaryWriter, inner: BinaryWriter): BinaryWriter =>
      outer.tag(field, WireType.LengthDelimited).bytes(inner.finish());

    const attribute = known(new BinaryWriter(), 'a').tag(20, WireType.Varint).int32(99);
    const newerNode = unknown(inside(5, known(new BinaryWriter(), 'in'), unknown(attribute)));
    const tensor = new BinaryWriter().tag(2, WireType.Varint).int32(99).tag(14, WireType.Varint).int32(99);
    const graph = inside(5, inside(1, new BinaryWriter(), newerNode), unknown(tensor));
    const bytes = unknown(inside(7, new BinaryWriter(), unknown(graph))).finish();
    assert.deepEqual(Buffer.from(encodeModel(decodeModel(bytes))), Buffer.from(bytes));
  });

  it('keeps values that are set to their default apart from values that are not set', () => {
    const read = decodeModel(
      encodeModel({
        graph: {
          node: [{ name: '', attribute: [{ i: 0n, f: 0, s: new Uint8Array(), type: 0 }, {}] }],
          initializer: [{ dataType: 0, rawData: new Uint8Array() }],
        },
      }),
    );
    const [first] = read.graph?.node ?? [];
    assert.ok(first);
    assert.ok(isFieldSet(first, NodeProtoSchema.field.name));
    assert.ok(!isFieldSet(first, NodeProtoSchema.field.opType));
    const set = first.attribute.map((one) =>
      AttributeProtoSchema.fields.filter((field) => isFieldSet(one, field)).map(({ name }) => name),
    );
    assert.deepEqual(set, [['type', 'f', 'i', 's'], []]);
    const [tensor] = read.graph?.initializer ?? [];
    assert.ok(tensor && isFieldSet(tensor, TensorProtoSchema.field.rawData));
  });

  it('keeps every bit of an integer', () => {
    const ints = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, -1n, 0n];
    const read = decodeModel(encodeModel({ graph: { node: [{ attribute: [{ ints }] }] } }));
    assert.deepEqual(read.graph?.node[0]?.attribute[0]?.ints, ints);
  });

  it('does not copy the data of a tensor on the way in', () => {
    const bytes = encodeModel(tinyModel());
    const data = decodeModel(bytes).graph?.initializer[0]?.rawData;
    assert.equal(data?.buffer, bytes.buffer);
  });

  it('gives a file that computes the same', async () => {
    const image = { dims: [2, 3, 8, 8], data: Float32Array.from({ length: 384 }, (_, i) => Math.sin(i)) };
    const [before, after] = await Promise.all(
      [model, encodeModel(decodeModel(model))].map((bytes) => runModel(bytes, { image })),
    );
    assert.deepEqual(after, before);
  });
});

describe('the graph of a file', () => {
  it('knows inputs, outputs, weights and who makes what', () => {
    const graph = readGraph(encodeModel(tinyModel()));
    assert.equal(graph.opset, 17);
    assert.deepEqual(
      graph.nodes.map((one) => one.operator),
      ['Relu', 'Add'],
    );
    assert.deepEqual(graph.inputs.get('image'), {
      elementType: 1,
      shape: [null, 2],
      symbols: ['batch', ''],
    });
    assert.equal(graph.producers.get('middle')?.operator, 'Relu');
    assert.ok(graph.initializers.has('one'));
  });

  it('takes initializers that old files list as inputs too', () => {
    const old = tinyModel();
    old.graph?.input.push(tensorInfo('one', [1]));
    assert.deepEqual([...readGraph(encodeModel(old)).inputs.keys()], ['image']);
  });
});

describe('a file is refused', () => {
  const graphOf = ({ graph }: ModelProto): GraphProto => graph ?? assert.fail('no graph');
  const external = Object.assign(floatTensor('one', [1], []), {
    externalData: [create(StringStringEntryProtoSchema, { key: 'location', value: '/etc/passwd' })],
    dataLocation: TensorProto_DataLocation.EXTERNAL,
  });
  const cases: Record<string, { change: (one: ModelProto) => void; message: RegExp }> = {
    'without a graph': { change: (one) => delete one.graph, message: /holds no graph/ },
    'without operator versions': { change: (one) => (one.opsetImport = []), message: /which version/ },
    'with weights elsewhere': {
      change: (one) => Object.assign(graphOf(one), { initializer: [external] }),
      message: /keeps the data of tensor "one" in another file/,
    },
    'with a constant elsewhere': {
      change: (one) =>
        graphOf(one).node.unshift(node('Constant', [], ['c'], { value: { tensor: external } })),
      message: /in another file/,
    },
    'with a constant elsewhere inside a function': {
      change: (one) => {
        const inner = node('Constant', [], ['c'], { value: { tensor: external } });
        one.functions.push(create(FunctionProtoSchema, { node: [inner] }));
      },
      message: /in another file/,
    },
    'with a constant elsewhere that a function takes by default': {
      change: (one) =>
        one.functions.push(
          create(FunctionProtoSchema, { attributeProto: [{ name: 'value', type: 4, t: external }] }),
        ),
      message: /in another file/,
    },
    'with a graph inside an operator': {
      change: (one) =>
        graphOf(one).node.push(
          create(NodeProtoSchema, {
            opType: 'If',
            attribute: [{ name: 'then_branch', type: 5, g: { node: [] } }],
          }),
        ),
      message: /\(If, Loop or Scan\)/,
    },
    'with sparse weights': {
      change: (one) => graphOf(one).sparseInitializer.push(create(SparseTensorProtoSchema, { dims: [1n] })),
      message: /sparse/,
    },
    'with nodes in a wrong order': {
      change: (one) => graphOf(one).node.reverse(),
      message: /node "make_out" \(Add\) takes "middle", which no earlier node makes/,
    },
    'with a tensor that two nodes make': {
      change: (one) => graphOf(one).node.push(node('Relu', ['image'], ['middle'])),
      message: /"middle" is made twice/,
    },
    'with a weight that is there twice': {
      change: (one) => graphOf(one).initializer.push(floatTensor('one', [1], [2])),
      message: /"one" is made twice/,
    },
  };
  for (const [name, { change, message }] of Object.entries(cases)) {
    it(name, () => {
      const changed = tinyModel();
      change(changed);
      assert.throws(
        () => readGraph(encodeModel(changed)),
        (error) => error instanceof PackageError && message.test(error.message),
      );
    });
  }

  for (const [name, bytes] of Object.entries({
    'that is empty': new Uint8Array(),
    'that is text': Buffer.from('not a model at all, just some words'),
    'nested without end': Buffer.alloc(100_000, Uint8Array.of(0x3a, 0xff, 0xff, 0x03)),
  })) {
    it(name, () => {
      assert.throws(() => readGraph(bytes), { name: 'PackageError', message: /is not an ONNX model/ });
    });
  }

  it('with fewer integers than a tensor says', () => {
    const short = modelOf({
      nodes: [node('Reshape', ['image', 'to'], ['out'])],
      initializers: [intTensor('to', [0, 2], [3])],
      inputs: [tensorInfo('image', ['batch', 2])],
      outputs: [tensorInfo('out', ['batch', 2])],
    });
    const { input, tensor } = description;
    assert.throws(
      () =>
        readNetwork(encodeModel(short), {
          input: { ...input, tensor, background: 0, channels: 1, height: 1, width: 2 },
          classes: ['a', 'b'],
          exits: [{ name: 'final', logits: 'out' }],
        }),
      PackageError,
    );
  });
});
