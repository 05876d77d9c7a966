// Reading and writing ONNX files: nothing is lost on the way, and nothing unfit gets in.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PackageError } from '../../src/foundation/errors.js';
import { modelType } from '../../src/onnx/descriptor.js';
import { readGraph } from '../../src/onnx/graph.js';
import { decodeModel, encodeModel, type ModelProto, type TensorProto } from '../../src/onnx/proto.js';
import { readNetwork } from '../../src/packages/package.js';
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

  it('keeps every field of the format', () => {
    const tensor = { dims: [1], data_type: 1, float_data: [1.5], segment: { begin: 0, end: 1 }, name: 't' };
    const entry = [{ key: 'k', value: 'v' }];
    const shape = { dim: [{ dim_value: -1, denotation: 'd' }, { dim_param: 'n' }] };
    const types = [
      { tensor_type: { elem_type: 1, shape }, denotation: 'IMAGE' },
      { sequence_type: { elem_type: { tensor_type: { elem_type: 7 } } } },
      { map_type: { key_type: 7, value_type: { optional_type: { elem_type: {} } } } },
      { sparse_tensor_type: { elem_type: 1, shape }, opaque_type: { domain: 'd', name: 'n' } },
    ];
    const attribute = {
      ...{
        name: 'a',
        type: 1,
        f: 0,
        i: 0,
        s: new Uint8Array(0),
        t: tensor,
        floats: [1, 2],
        ints: [-3, 2 ** 40],
      },
      ...{ strings: [Uint8Array.of(7)], tensors: [tensor], graphs: [{ name: 'g' }], g: { name: 'g' } },
      ...{ doc_string: '', tp: types[0], type_protos: types, ref_attr_name: 'r' },
      ...{ sparse_tensor: { values: tensor, indices: tensor, dims: [4] }, sparse_tensors: [{ dims: [0] }] },
    };
    const nodes = [
      { op_type: 'O', input: ['a', ''], output: ['b'], attribute: [attribute], domain: 'd', overload: 'o' },
      { name: 'n', doc_string: 'd', metadata_props: entry },
    ];
    const info = types.map((type, index) => ({
      name: `i${index}`,
      type,
      metadata_props: entry,
      doc_string: 'x',
    }));
    const whole = {
      ...{
        ir_version: 13,
        producer_name: 'p',
        producer_version: 'v',
        domain: 'd',
        model_version: 2 ** 53 - 1,
      },
      ...{ doc_string: 'x', opset_import: [{ domain: '', version: 21 }], metadata_props: entry },
      graph: {
        ...{ node: nodes, name: 'g', doc_string: 'x', input: info, output: info, value_info: info },
        initializer: [
          {
            ...tensor,
            int32_data: [-1],
            string_data: [Uint8Array.of(1)],
            int64_data: [-1],
            double_data: [0.1],
          },
          {
            uint64_data: [9],
            raw_data: Uint8Array.of(1, 2),
            doc_string: 'x',
            external_data: entry,
            data_location: 1,
          },
          { metadata_props: entry },
        ],
        sparse_initializer: [{ dims: [1] }],
        quantization_annotation: [{ tensor_name: 't', quant_parameter_tensor_names: entry }],
        metadata_props: entry,
      },
      functions: [
        {
          ...{ name: 'f', input: ['a'], output: ['b'], attribute: ['c'], node: nodes, doc_string: 'x' },
          ...{ opset_import: [{ version: 1 }], domain: 'd', attribute_proto: [attribute], value_info: info },
          ...{ overload: 'o', metadata_props: entry },
        },
      ],
    };
    const read = modelType.toObject(modelType.decode(modelType.encode(whole).finish()), { longs: Number });
    // Buffers and plain byte arrays with the same content are the same here.
    const plain = (value: unknown) =>
      JSON.parse(
        JSON.stringify(value, (_, one) => (one?.type === 'Buffer' ? one.data : one)),
        (_, one) =>
          one !== null && typeof one === 'object' && Object.keys(one).every((key) => /^\d+$/.test(key))
            ? Object.values(one)
            : one,
      );
    assert.deepEqual(plain(read), plain(whole));
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
    old.graph?.input?.push(tensorInfo('one', [1]));
    assert.deepEqual([...readGraph(encodeModel(old)).inputs.keys()], ['image']);
  });
});

describe('a file is refused', () => {
  const graphOf = (one: ModelProto) => one.graph ?? {};
  const external: TensorProto = {
    ...floatTensor('one', [1], []),
    external_data: [{ key: 'location', value: '/etc/passwd' }],
    data_location: 1,
  };
  const cases: Record<string, { change: (one: ModelProto) => void; message: RegExp }> = {
    'without a graph': { change: (one) => delete one.graph, message: /holds no graph/ },
    'without operator versions': { change: (one) => delete one.opset_import, message: /which version/ },
    'with weights elsewhere': {
      change: (one) => Object.assign(graphOf(one), { initializer: [external] }),
      message: /keeps the data of tensor "one" in another file/,
    },
    'with a constant elsewhere': {
      change: (one) =>
        graphOf(one).node?.unshift(node('Constant', [], ['c'], { value: { tensor: external } })),
      message: /in another file/,
    },
    'with a constant elsewhere inside a function': {
      change: (one) =>
        Object.assign(one, {
          functions: [{ node: [node('Constant', [], ['c'], { value: { tensor: external } })] }],
        }),
      message: /in another file/,
    },
    'with a constant elsewhere that a function takes by default': {
      change: (one) =>
        Object.assign(one, {
          functions: [{ attribute_proto: [{ name: 'value', type: 4, t: external }] }],
        }),
      message: /in another file/,
    },
    'with a graph inside an operator': {
      change: (one) => {
        graphOf(one).node?.push({
          op_type: 'If',
          attribute: [{ name: 'then_branch', type: 5, g: { node: [] } }],
        });
      },
      message: /\(If, Loop or Scan\)/,
    },
    'with sparse weights': {
      change: (one) => Object.assign(graphOf(one), { sparse_initializer: [{ dims: [1] }] }),
      message: /sparse/,
    },
    'with nodes in a wrong order': {
      change: (one) => graphOf(one).node?.reverse(),
      message: /node "make_out" \(Add\) takes "middle", which nothing before it makes/,
    },
    'with a tensor that two nodes make': {
      change: (one) => graphOf(one).node?.push(node('Relu', ['image'], ['middle'])),
      message: /"middle" is made twice/,
    },
    'with a weight that is there twice': {
      change: (one) => graphOf(one).initializer?.push(floatTensor('one', [1], [2])),
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
      initializers: [{ ...intTensor('to', [0, 2]), dims: [3] }],
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
