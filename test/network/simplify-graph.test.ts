// Graphs as exporters write them, simplified by import: what becomes a stored tensor, what disappears, and what must stay.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { createEngine } from '../../src/engines/onnx.js';
import { simplifyGraph } from '../../src/network/intake/simplify/simplify-graph.js';
import { encodeModel } from '../../src/onnx/proto.js';
import {
  type ModelProto,
  type NodeProto,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
} from '../../src/protobuf/onnx-ml_pb.js';
import { floatTensor, intTensor, modelOf, node, tensorInfo } from '../support/packages/onnx-builder.js';
import { largestDifference, runModel } from '../support/packages/run-model.js';

const engine = createEngine();
const INT64 = TensorProto_DataType.INT64;
const FLOAT = TensorProto_DataType.FLOAT;

interface Written {
  /** Without the batch. */
  readonly image: number[];
  /** From `image` to `out`. */
  readonly nodes: NodeProto[];
  readonly initializers?: TensorProto[];
  readonly opset?: number;
}

function built({ image, nodes, initializers = [], opset = 17 }: Written): ModelProto {
  const inputs = [tensorInfo('image', ['batch', ...image])];
  const outputs = [tensorInfo('out', ['batch', 'any'])];
  return modelOf({ nodes, initializers, inputs, outputs, opset });
}

/** @returns the operators that are left, in order, after the answers have been held against those before */
async function simplified(
  written: Written,
  kept = ['out'],
): Promise<{ operators: string[]; model: ModelProto }> {
  const before = built(written);
  const notes: string[] = [];
  const image = { tensor: 'image', shape: written.image };
  const model = await simplifyGraph(engine, before, image, kept, notes);
  assert.equal(notes.filter((note) => !/^The graph was simplified from/.test(note)).length, 0);
  const size = written.image.reduce((product, extent) => product * extent, 1);
  for (const batch of [1, 2, 3, 5, 17]) {
    const data = Float32Array.from({ length: batch * size }, (_, index) => Math.sin(index));
    const values = { image: { dims: [batch, ...written.image], data } };
    const [was, is] = [
      await runModel(encodeModel(before), values),
      await runModel(encodeModel(model), values),
    ];
    assert.deepEqual(is['out']?.dims, was['out']?.dims);
    assert.equal(
      largestDifference(is['out']?.data ?? new Float32Array(), was['out']?.data ?? new Float32Array()),
      0,
    );
  }
  return { operators: model.graph?.node.map(({ opType }) => opType) ?? [], model };
}

function number(name: string, value: number): TensorProto {
  return intTensor(name, [value], []);
}

/** Nodes that compute `rows`, the number of images, as a number. */
const countRows = [node('Shape', ['image'], ['shape']), node('Gather', ['shape', 'zero'], ['rows'])];

/** Indices from 0 on, computed from a Range over the images, and what they take from `flat`. */
function viewed(step: number, first: number): Written {
  return {
    image: [4, 1, 1],
    nodes: [
      node('Reshape', ['image', 'all'], ['flat']),
      ...countRows,
      node('Range', ['zero', 'rows', 'one'], ['each']),
      node('Mul', ['each', 'step'], ['starts']),
      node('Unsqueeze', ['starts', 'last'], ['column']),
      node('Add', ['column', 'within'], ['indices']),
      node('Gather', ['flat', 'indices'], ['out']),
    ],
    initializers: [
      intTensor('all', [-1]),
      number('zero', 0),
      number('one', 1),
      number('step', step),
      intTensor('last', [1]),
      intTensor('within', [first, 1, 2, 3], [1, 4]),
    ],
  };
}

describe('a graph is simplified where', () => {
  it('sizes that do not depend on the batch are read from shapes', async () => {
    const { operators, model } = await simplified({
      image: [2, 3, 4],
      nodes: [
        node('Shape', ['image'], ['shape']),
        node('Gather', ['shape', 'two'], ['height']),
        node('Mul', ['height', 'four'], ['size']),
        node('Unsqueeze', ['size', 'zero'], ['sizes']),
        node('Slice', ['shape', 'zero', 'one'], ['rows']),
        node('Concat', ['rows', 'halves', 'sizes'], ['target'], { axis: 0 }),
        node('Reshape', ['image', 'target'], ['reshaped']),
        node('Flatten', ['reshaped'], ['out']),
      ],
      initializers: [
        number('two', 2),
        number('four', 4),
        intTensor('zero', [0]),
        intTensor('one', [1]),
        intTensor('halves', [2]),
      ],
    });
    assert.deepEqual(operators, ['Reshape', 'Flatten']);
    assert.equal(model.graph?.initializer.length, 1);
  });

  it('constants are computed from constants', async () => {
    const { operators, model } = await simplified({
      image: [3],
      nodes: [
        node('Transpose', ['w'], ['turned'], { perm: [1, 0] }),
        node('MatMul', ['turned', 'w'], ['square']),
        node('MatMul', ['image', 'square'], ['out']),
      ],
      initializers: [floatTensor('w', [2, 3], [1, 2, 3, 4, 5, 6])],
    });
    assert.deepEqual(operators, ['MatMul']);
    assert.deepEqual(
      model.graph?.initializer.map(({ name }) => name),
      ['square'],
    );
  });

  it('conversions and copies change nothing', async () => {
    const { operators } = await simplified({
      image: [3],
      nodes: [
        node('Cast', ['image'], ['cast'], { to: FLOAT }),
        node('Identity', ['cast'], ['copy']),
        node('Relu', ['copy'], ['active']),
        node('Cast', ['active'], ['whole'], { to: INT64 }),
        node('Cast', ['whole'], ['out'], { to: FLOAT }),
      ],
    });
    assert.deepEqual(operators, ['Relu', 'Cast', 'Cast']);
  });

  it('a class token is repeated as TorchScript writes it: only its shape is computed', async () => {
    const { operators, model } = await simplified({
      image: [2, 3],
      nodes: [
        ...countRows,
        node('Unsqueeze', ['rows', 'first'], ['count']),
        node('Concat', ['count', 'open', 'open'], ['wanted'], { axis: 0 }),
        node('ConstantOfShape', ['three'], ['ones']),
        node('Equal', ['wanted', 'minus'], ['isOpen']),
        node('Where', ['isOpen', 'unit', 'wanted'], ['target']),
        node('Expand', ['token', 'target'], ['tokens']),
        node('Concat', ['tokens', 'image'], ['joined'], { axis: 1 }),
        node('Flatten', ['joined'], ['out']),
      ],
      initializers: [
        number('zero', 0),
        intTensor('first', [0]),
        intTensor('open', [-1]),
        intTensor('three', [3]),
        intTensor('minus', [-1, -1, -1]),
        intTensor('unit', [1, 1, 1]),
        floatTensor('token', [1, 1, 3], [1, 2, 3]),
      ],
    });
    assert.deepEqual(operators, ['Shape', 'Gather', 'Concat', 'Expand', 'Concat', 'Flatten']);
    assert.deepEqual(model.graph?.initializer.find(({ name }) => name === 'tokens')?.dims, [1n, 1n, 3n]);
  });

  it('a mask is repeated for every image and added: broadcasting does the same', async () => {
    const { operators } = await simplified({
      image: [2, 2],
      nodes: [
        node('Shape', ['image'], ['shape']),
        node('Expand', ['lower', 'shape'], ['allowed']),
        node('Cast', ['allowed'], ['isAllowed'], { to: TensorProto_DataType.BOOL }),
        node('Where', ['isAllowed', 'nothing', 'much'], ['mask']),
        node('Add', ['image', 'mask'], ['masked']),
        node('Flatten', ['masked'], ['out']),
      ],
      initializers: [
        floatTensor('lower', [1, 2, 2], [1, 0, 1, 1]),
        floatTensor('nothing', [], [0]),
        floatTensor('much', [], [-1e9]),
      ],
    });
    assert.deepEqual(operators, ['Add', 'Flatten']);
  });

  it('every value is taken in order by computed indices', async () => {
    assert.deepEqual((await simplified(viewed(4, 0))).operators, ['Reshape']);
  });
});

describe('a graph keeps', () => {
  it('indices in another order, or with gaps', async () => {
    const gather = ['Reshape', 'Shape', 'Gather', 'Range', 'Mul', 'Unsqueeze', 'Add', 'Gather'];
    assert.deepEqual((await simplified(viewed(0, 0))).operators, gather);
    assert.deepEqual((await simplified(viewed(4, 3))).operators, gather);
  });

  for (const [comparison, limit] of [
    ['Less', 10],
    ['Equal', 17],
  ] as const) {
    it(`what depends on the batch size, even if it is the same for most of them: ${comparison}`, async () => {
      const { operators } = await simplified({
        image: [3],
        nodes: [
          ...countRows,
          node(comparison, ['rows', 'limit'], ['isSpecial']),
          node('Where', ['isSpecial', 'one', 'two'], ['factor']),
          node('Mul', ['image', 'factor'], ['out']),
        ],
        initializers: [
          number('zero', 0),
          number('limit', limit),
          floatTensor('one', [], [1]),
          floatTensor('two', [], [2]),
        ],
      });
      assert.deepEqual(operators, ['Shape', 'Gather', comparison, 'Where', 'Mul']);
    });
  }

  it('quantised weights, which would become larger', async () => {
    const stored = create(TensorProtoSchema, {
      name: 'w',
      dims: [3n, 2n],
      dataType: TensorProto_DataType.INT8,
      rawData: Uint8Array.of(1, 2, 3, 4, 5, 6),
    });
    const { operators } = await simplified({
      image: [3],
      nodes: [
        node('DequantizeLinear', ['w', 'scale'], ['weights']),
        node('MatMul', ['image', 'weights'], ['out']),
      ],
      initializers: [stored, floatTensor('scale', [], [0.5])],
    });
    assert.deepEqual(operators, ['DequantizeLinear', 'MatMul']);
  });

  it('large tensors that are computed from small ones', async () => {
    const { operators } = await simplified({
      image: [1],
      nodes: [
        node('ConstantOfShape', ['large'], ['zeros']),
        node('ReduceSum', ['zeros'], ['sum'], { keepdims: 0 }),
        node('Add', ['image', 'sum'], ['out']),
      ],
      initializers: [intTensor('large', [2 ** 20])],
    });
    assert.equal(operators[0], 'ConstantOfShape');
  });

  it('names of logits and cuts, and what comes before a cut', async () => {
    const { model } = await simplified(
      {
        image: [4, 1, 1],
        nodes: [
          node('Reshape', ['image', 'all'], ['flat']),
          node('Cast', ['flat'], ['cut'], { to: FLOAT }),
          node('Reshape', ['cut', 'rows'], ['back']),
          node('Relu', ['back'], ['out']),
        ],
        initializers: [intTensor('all', [-1, 2, 2]), intTensor('rows', [-1, 4])],
      },
      ['cut', 'out'],
    );
    const made = model.graph?.node.find(({ output }) => output[0] === 'back');
    assert.equal(made?.input[0], 'cut');
  });

  it('its bytes if nothing can be simplified', async () => {
    const model = built({ image: [3], nodes: [node('Relu', ['image'], ['out'])] });
    const same = await simplifyGraph(engine, model, { tensor: 'image', shape: [3] }, ['out'], []);
    assert.equal(same, model);
  });
});
