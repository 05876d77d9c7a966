// Every operator, in every engine, against onnxruntime on the same graph and the same random numbers.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Engine, SegmentSource } from '../../src/engines/engine.js';
import { convertSegments } from '../../src/engines/graph-def/convert.js';
import { PackageError } from '../../src/foundation/errors.js';
import { createUniform } from '../../src/foundation/random.js';
import { tensorDimensions } from '../../src/onnx/attributes.js';
import { TensorProto_DataType } from '../../src/protobuf/onnx-ml_pb.js';
import {
  convolve,
  encode,
  pool,
  type ShapeCase,
  shapeCases,
  weight,
  withUnwrittenZero,
} from '../onnx/shape-cases.js';
import { engines } from '../support/engines/engines.js';
import { boolTensor, floatTensor, intTensor, node } from '../support/packages/onnx-builder.js';
import { largestDifference, runModel } from '../support/packages/run-model.js';

const BATCH = 3;
const TOLERANCE = 1e-5;

/** What has no TensorFlow form, and how that is said. */
const refusals: Record<string, RegExp> = {
  'Conv, one-dimensional': /\(Conv\) does not slide over height and width\.$/,
  'Selu with an alpha': /\(Selu\) has an alpha or a gamma of its own\.$/,
  'Elu with an alpha': /\(Elu\) has an alpha other than 1\.$/,
  'MaxPool, dilated': /\(MaxPool\) pools with a dilated window\.$/,
  'MatMul with a vector': /\(MatMul\) is no product of rows with a matrix\.$/,
  'Pad with a value that is computed': /\(Pad\) has no constant at its input 2\.$/,
  'Pad with an input': /\(Pad\) pads by a negative extent, which cuts off\.$/,
  'Slice with a start that is computed': /\(Slice\) has no constant at its input 1\.$/,
  'Expand of a constant that nothing of the image joins':
    /\(Expand\) repeats a constant that is not joined with /,
  'Slice that goes backwards': /\(Slice\) does not have one step forward per axis\.$/,
  'MatMul of tensors with different leading axes':
    /\(MatMul\) multiplies tensors whose leading axes differ\.$/,
  'LogSoftmax of operator set 11': /there is none for LogSoftmax\.$/,
  'ReduceSum, empty axes that mean none': /\(ReduceSum\) has no constant axes\.$/,
  ...Object.fromEntries(
    ['InstanceNormalization'].map((operator) => [operator, new RegExp(`there is none for ${operator}\\.$`)]),
  ),
};

const cases: Record<string, ShapeCase> = {
  ...shapeCases,
  'Elu with an alpha': {
    image: [2, 3, 3],
    nodes: [node('Elu', ['image'], ['out'], { alpha: { float: 0.5 } })],
    shape: [2, 3, 3],
  },
  'Elu with the alpha that it has': {
    image: [2, 3, 3],
    nodes: [node('Elu', ['image'], ['out'], { alpha: { float: 1 } })],
    shape: [2, 3, 3],
  },
  'MatMul on the channels of each pixel': {
    image: [2, 3, 4],
    nodes: [node('MatMul', ['image', 'w'], ['out'])],
    initializers: [weight('w', 4, 5)],
    shape: [2, 3, 5],
  },
  'LayerNormalization of an image, with a bias': {
    image: [2, 3, 4],
    nodes: [node('LayerNormalization', ['image', 's', 'b'], ['out'], { axis: 2, epsilon: { float: 0.1 } })],
    initializers: [weight('s', 3, 4), weight('b', 3, 4)],
    shape: [2, 3, 4],
  },
  Gelu: { image: [2, 3, 4], nodes: [node('Gelu', ['image'], ['out'])], shape: [2, 3, 4], opset: 20 },
  'Gelu, approximated': {
    image: [5],
    nodes: [node('Gelu', ['image'], ['out'], { approximate: 'tanh' })],
    shape: [5],
    opset: 20,
  },
  'Transpose of five axes and back, as in a shuffle of channels': {
    image: [6, 2, 3],
    nodes: [
      node('Reshape', ['image', 'groups'], ['grouped']),
      node('Transpose', ['grouped'], ['turned'], { perm: [0, 2, 1, 3, 4] }),
      node('Reshape', ['turned', 'plain'], ['out']),
    ],
    initializers: [intTensor('groups', [-1, 2, 3, 2, 3]), intTensor('plain', [-1, 6, 2, 3])],
    shape: [6, 2, 3],
  },
  'Transpose of an image in all its orders': {
    image: [2, 3, 4],
    nodes: [
      node('Transpose', ['image'], ['first'], { perm: [0, 2, 1, 3] }),
      node('Transpose', ['first'], ['out'], { perm: [0, 3, 2, 1] }),
    ],
    shape: [4, 2, 3],
  },
  'Gather of a channel': {
    image: [3, 2, 4],
    nodes: [node('Gather', ['image', 'entry'], ['out'], { axis: 1 })],
    initializers: [{ ...intTensor('entry', [-1]), dims: [] }],
    shape: [2, 4],
  },
  'ReduceSum over height and width': {
    image: [3, 2, 4],
    nodes: [node('ReduceSum', ['image', 'axes'], ['out'], { keepdims: 0 })],
    initializers: [intTensor('axes', [2, 3])],
    shape: [3],
  },
  'ReduceMean over the leading axes of an image': {
    image: [3, 2, 4],
    nodes: [node('ReduceMean', ['image'], ['out'], { axes: [1, 2], keepdims: 0 })],
    opset: 13,
    shape: [4],
  },
  'Selu with an alpha': {
    image: [4],
    nodes: [node('Selu', ['image'], ['out'], { alpha: { float: 2 } })],
    shape: [4],
  },
  'MatMul of two tensors of the image, as in attention': {
    image: [6, 12],
    nodes: [
      node('Reshape', ['image', 'heads'], ['split']),
      node('Transpose', ['split'], ['triple'], { perm: [2, 0, 3, 1, 4] }),
      node('Gather', ['triple', 'zero'], ['queries']),
      node('Gather', ['triple', 'one'], ['keys']),
      node('Slice', ['triple', 'two', 'three', 'first'], ['last']),
      node('Squeeze', ['last', 'first'], ['values']),
      node('Transpose', ['keys'], ['turned'], { perm: [0, 1, 3, 2] }),
      node('MatMul', ['queries', 'turned'], ['scores']),
      node('Softmax', ['scores'], ['weights'], { axis: -1 }),
      node('MatMul', ['weights', 'values'], ['attended']),
      node('Transpose', ['attended'], ['together'], { perm: [0, 2, 1, 3] }),
      node('Reshape', ['together', 'rows'], ['out']),
    ],
    initializers: [
      intTensor('heads', [-1, 6, 3, 2, 2]),
      { ...intTensor('zero', [0]), dims: [] },
      { ...intTensor('one', [1]), dims: [] },
      intTensor('first', [0]),
      intTensor('two', [2]),
      intTensor('three', [3]),
      intTensor('rows', [-1, 6, 4]),
    ],
    shape: [6, 4],
  },
  'MatMul in windows, with a bias for each of them': {
    image: [4, 4, 2],
    nodes: [
      node('Reshape', ['image', 'split'], ['tiles']),
      node('Transpose', ['tiles'], ['windows'], { perm: [0, 1, 3, 2, 4, 5] }),
      node('Reshape', ['windows', 'apart'], ['tokens']),
      node('Transpose', ['tokens'], ['turned'], { perm: [0, 2, 1] }),
      node('MatMul', ['tokens', 'turned'], ['scores']),
      node('Reshape', ['scores', 'together'], ['grouped']),
      node('Add', ['grouped', 'w'], ['biased']),
      node('Softmax', ['biased'], ['out'], { axis: -1 }),
    ],
    initializers: [
      intTensor('split', [-1, 2, 2, 2, 2, 2]),
      intTensor('apart', [-1, 4, 2]),
      intTensor('together', [-1, 4, 4, 4]),
      weight('w', 4, 4, 4),
    ],
    shape: [4, 4, 4],
  },
  'MatMul with the batch as the second axis': {
    image: [3, 4],
    nodes: [
      node('Transpose', ['image'], ['sequence'], { perm: [1, 0, 2] }),
      node('MatMul', ['sequence', 'w'], ['product']),
      node('Transpose', ['product'], ['out'], { perm: [1, 0, 2] }),
    ],
    initializers: [weight('w', 4, 5)],
    shape: [3, 5],
  },
  'MatMul of tensors with different leading axes': {
    image: [2, 3, 3],
    nodes: [node('ReduceMean', ['image', 'one'], ['mean']), node('MatMul', ['image', 'mean'], ['out'])],
    initializers: [intTensor('one', [1])],
    shape: [2, 3, 3],
    opset: 18,
  },
  'Concat behind a class token for each image': {
    image: [3, 2, 2],
    nodes: [
      node('Flatten', ['image'], ['flat']),
      node('Reshape', ['flat', 'tokens'], ['sequence']),
      node('Shape', ['image'], ['shape']),
      node('Slice', ['shape', 'zero', 'one'], ['rows']),
      node('Concat', ['rows', 'one', 'four'], ['target'], { axis: 0 }),
      node('Expand', ['w', 'target'], ['token']),
      node('Concat', ['token', 'sequence'], ['out'], { axis: 1 }),
    ],
    initializers: [
      intTensor('tokens', [-1, 3, 4]),
      intTensor('zero', [0]),
      intTensor('one', [1]),
      intTensor('four', [4]),
      weight('w', 1, 4),
    ],
    shape: [4, 4],
  },
  'Concat of an image and a channel that is the same for each image': {
    image: [2, 3, 4],
    nodes: [
      node('Shape', ['image'], ['shape']),
      node('Slice', ['shape', 'zero', 'one'], ['rows']),
      node('Concat', ['rows', 'one', 'three', 'four'], ['target'], { axis: 0 }),
      node('Expand', ['w', 'target'], ['channel']),
      node('Concat', ['image', 'channel'], ['out'], { axis: 1 }),
    ],
    initializers: [
      ...[0, 1, 3, 4].map((value, index) =>
        intTensor(['zero', 'one', 'three', 'four'][index] as string, [value]),
      ),
      weight('w', 1, 1, 3, 4),
    ],
    shape: [3, 3, 4],
  },
  'Expand of a constant that nothing of the image joins': {
    image: [4],
    nodes: [
      node('Shape', ['image'], ['shape']),
      node('Expand', ['w', 'shape'], ['same']),
      node('Exp', ['same'], ['out']),
    ],
    initializers: [weight('w', 1, 4)],
    shape: [4],
  },
  'Slice with steps': {
    image: [2, 7, 6],
    nodes: [node('Slice', ['image', 'starts', 'ends', 'axes', 'steps'], ['out'])],
    initializers: [
      intTensor('starts', [1, -6]),
      intTensor('ends', [7, 9]),
      intTensor('axes', [2, 3]),
      intTensor('steps', [2, 3]),
    ],
    shape: [2, 3, 2],
  },
  'Slice that goes backwards': {
    image: [4],
    nodes: [node('Slice', ['image', 'starts', 'ends', 'axes', 'steps'], ['out'])],
    initializers: [
      intTensor('starts', [3]),
      intTensor('ends', [-9]),
      intTensor('axes', [1]),
      intTensor('steps', [-1]),
    ],
    shape: [4],
  },
  'Gather of several rows of an image': {
    image: [2, 5, 3],
    nodes: [node('Gather', ['image', 'rows'], ['out'], { axis: 2 })],
    initializers: [intTensor('rows', [4, 0, -2])],
    shape: [2, 3, 3],
  },
  'Gather of a table of entries': {
    image: [5],
    nodes: [node('Gather', ['image', 'table'], ['out'], { axis: 1 })],
    initializers: [{ ...intTensor('table', [0, 1, 2, 2, 3, 4]), dims: [2n, 3n] }],
    shape: [2, 3],
  },
  'Where of a constant condition': {
    image: [2, 2, 3],
    nodes: [node('Where', ['mask', 'image', 'other'], ['out'])],
    initializers: [boolTensor('mask', [2, 3], [1, 0, 0, 1, 1, 0]), floatTensor('other', [], [-1e30])],
    shape: [2, 2, 3],
  },
  'Where in place of what is not a number': {
    image: [3, 4],
    nodes: [
      node('Sqrt', ['image'], ['root']),
      node('IsNaN', ['root'], ['bad']),
      node('Where', ['bad', 'zero', 'root'], ['out']),
    ],
    initializers: [floatTensor('zero', [], [0.5])],
    shape: [3, 4],
  },
  'Pow of squares': {
    image: [2, 3],
    nodes: [node('Pow', ['image', 'two'], ['out'])],
    initializers: [floatTensor('two', [], [2])],
    shape: [2, 3],
  },
  'Reciprocal of an exponential': {
    image: [2, 3],
    nodes: [node('Exp', ['image'], ['positive']), node('Reciprocal', ['positive'], ['out'])],
    shape: [2, 3],
  },
  'ReduceMin of a single axis of an image': {
    image: [3, 2, 4],
    nodes: [node('ReduceMin', ['image'], ['out'], { axes: [2], keepdims: 0 })],
    opset: 13,
    shape: [3, 4],
  },
  'ReduceMean of an axis before an image': {
    image: [2, 3, 2, 4],
    nodes: [node('ReduceMean', ['image'], ['out'], { axes: [1], keepdims: 0 })],
    opset: 13,
    shape: [3, 2, 4],
  },
  'Conv with a bias': {
    image: [3, 6, 6],
    nodes: [node('Conv', ['image', 'w', 'b'], ['out'], { pads: [1, 1, 1, 1] })],
    initializers: [weight('w', 4, 3, 3, 3), weight('b', 4)],
    shape: [4, 6, 6],
  },
  'Conv, padded along one axis, with windows that leave out the end of the other': {
    image: [1, 4, 8],
    nodes: convolve({ auto_pad: 'SAME_UPPER', strides: [2, 3] }),
    initializers: [weight('w', 4, 1, 3, 1)],
    shape: [4, 2, 3],
  },
  'Conv, depthwise with two filters per channel': {
    image: [4, 5, 5],
    nodes: convolve({ group: 4, pads: [0, 1, 1, 1] }),
    initializers: [weight('w', 8, 1, 3, 3)],
    shape: [8, 4, 5],
  },
  'Conv, depthwise, padded on both sides, before a bias and Relu': {
    image: [4, 6, 6],
    nodes: [
      node('Conv', ['image', 'w', 'b'], ['convolved'], { group: 4, strides: [2, 2], pads: [1, 1, 1, 1] }),
      node('Relu', ['convolved'], ['out']),
    ],
    initializers: [weight('w', 4, 1, 3, 3), weight('b', 4)],
    shape: [4, 3, 3],
  },
  'MaxPool, padded': {
    image: [2, 7, 7],
    nodes: pool('MaxPool', { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
    shape: [2, 4, 4],
  },
  'AveragePool, padding counted': {
    image: [2, 7, 7],
    nodes: pool('AveragePool', {
      kernel_shape: [3, 3],
      strides: [2, 2],
      pads: [1, 1, 0, 1],
      count_include_pad: 1,
    }),
    shape: [2, 3, 4],
  },
  'Clip to any bounds': {
    image: [2, 3, 3],
    nodes: [node('Clip', ['image', 'low', 'high'], ['out'])],
    initializers: [floatTensor('low', [], [-0.25]), floatTensor('high', [], [0.5])],
    shape: [2, 3, 3],
  },
  'Clip to a bound that a Constant keeps as a number': {
    image: [2, 3, 3],
    nodes: [
      node('Constant', [], ['low'], { value_float: { float: 0.25 } }),
      node('Clip', ['image', 'low'], ['out']),
    ],
    shape: [2, 3, 3],
  },
  'ReduceMean over axes that a Constant keeps as a list': {
    image: [2, 3, 4],
    nodes: [
      node('Constant', [], ['axes'], { value_ints: [2, 3] }),
      node('ReduceMean', ['image', 'axes'], ['out']),
    ],
    shape: [2, 1, 1],
    opset: 18,
  },
  'Pad with a value that a Constant keeps as a number': {
    image: [2, 3, 3],
    nodes: [
      node('Constant', [], ['value'], { value_float: { float: 0.25 } }),
      node('Pad', ['image', 'pads', 'value'], ['out']),
    ],
    initializers: [intTensor('pads', [0, 0, 1, 1, 0, 0, 1, 1])],
    shape: [2, 5, 5],
  },
  'Pad with a value that is computed': {
    image: [4],
    nodes: [node('Neg', ['one'], ['value']), node('Pad', ['image', 'pads', 'value'], ['out'])],
    initializers: [floatTensor('one', [], [1]), intTensor('pads', [0, 1, 0, 1])],
    shape: [6],
  },
  'Add of values that a Constant keeps as a list': {
    image: [2],
    nodes: [
      node('Constant', [], ['b'], { value_floats: { floats: [0.5, -2] } }),
      node('Add', ['image', 'b'], ['out']),
    ],
    shape: [2],
  },
  'Gemm with factors': {
    image: [6],
    nodes: [node('Gemm', ['image', 'w', 'b'], ['out'], { alpha: { float: 0.5 }, beta: { float: 2 } })],
    initializers: [weight('w', 6, 4), weight('b', 4)],
    shape: [4],
  },
  'Gemm with a factor of zero that proto3 leaves out': {
    image: [6],
    nodes: [withUnwrittenZero(node('Gemm', ['image', 'w', 'b'], ['out'], { beta: { float: 0 } }))],
    initializers: [weight('w', 6, 4), weight('b', 4)],
    shape: [4],
  },
  'MatMul with a matrix': {
    image: [6],
    nodes: [node('MatMul', ['image', 'w'], ['out'])],
    initializers: [weight('w', 6, 4)],
    shape: [4],
  },
  'Reshape to an image': {
    image: [24],
    nodes: [node('Reshape', ['image', 'to'], ['out'])],
    initializers: [intTensor('to', [-1, 2, 3, 4])],
    shape: [2, 3, 4],
  },
  'Slice with a start that is computed': {
    image: [4],
    nodes: [
      node('Shape', ['image'], ['shape']),
      node('Slice', ['shape', 'one', 'two'], ['extent']),
      node('Concat', ['extent', 'one'], ['ends'], { axis: 0 }),
      node('Slice', ['ends', 'one', 'two'], ['start']),
      node('Slice', ['image', 'start', 'extent', 'one'], ['out']),
    ],
    initializers: [intTensor('one', [1]), intTensor('two', [2])],
    shape: [3],
  },
  'Slice with bounds that a Constant keeps as a list': {
    image: [3, 4, 5],
    nodes: [
      node('Constant', [], ['starts'], { value_ints: [-2, 1] }),
      node('Constant', [], ['ends'], { value_ints: [9, 3] }),
      node('Constant', [], ['axes'], { value_ints: [3, 1] }),
      node('Slice', ['image', 'starts', 'ends', 'axes'], ['out']),
    ],
    shape: [2, 4, 2],
  },
  'Slice of an image in halves that change places': {
    image: [4, 3, 2],
    nodes: [
      node('Slice', ['image', 'first', 'half', 'channels'], ['front']),
      node('Slice', ['image', 'half', 'last', 'channels'], ['back']),
      node('Concat', ['back', 'front'], ['out'], { axis: 1 }),
    ],
    initializers: [
      intTensor('first', [0]),
      intTensor('half', [2]),
      intTensor('last', [4]),
      intTensor('channels', [1]),
    ],
    shape: [4, 3, 2],
  },
  'Slice of four dimensions beside the batch': {
    image: [2, 3, 4, 2],
    nodes: [node('Slice', ['image', 'starts', 'ends', 'axes'], ['out'])],
    initializers: [intTensor('starts', [1, -3]), intTensor('ends', [3, -1]), intTensor('axes', [2, 3])],
    shape: [2, 2, 2, 2],
  },
  'Concat of rows': {
    image: [4],
    nodes: [
      node('Neg', ['image'], ['negative']),
      node('Concat', ['image', 'negative'], ['out'], { axis: -1 }),
    ],
    shape: [8],
  },
  'Concat of a single part': {
    image: [4],
    nodes: [node('Neg', ['image'], ['negative']), node('Concat', ['negative'], ['out'], { axis: 1 })],
    shape: [4],
  },
};

/** The case with random weights; those of a normalisation's variance have to be positive. */
function randomised(one: ShapeCase): ShapeCase {
  const random = createUniform(1);
  const initializers = one.initializers?.map((tensor) => {
    const dims = tensorDimensions(tensor);
    if (tensor.dataType !== TensorProto_DataType.FLOAT || dims.length === 0) return tensor;
    const count = dims.reduce((product, extent) => product * extent, 1);
    const values = Array.from({ length: count }, () => (tensor.name === 's' ? 0.5 : -1) + 2 * random());
    return floatTensor(tensor.name, dims, values);
  });
  return { ...one, ...(initializers && { initializers }) };
}

function sourceOf(one: ShapeCase): SegmentSource {
  return { from: -1, to: 0, input: 'image', inputShape: one.image, logits: 'out', graph: encode(one) };
}

/** Rows of [channels, height, width] in the order of an engine. */
function inLayout(rows: Float32Array, shape: readonly number[], layout: Engine['imageLayout']): Float32Array {
  if (layout === 'nchw' || shape.length !== 3) return rows;
  const [channels, height, width] = shape as [number, number, number];
  const area = height * width;
  return rows.map((_, place) => {
    const [image, within] = [Math.floor(place / (channels * area)), place % (channels * area)];
    const [pixel, channel] = [Math.floor(within / channels), within % channels];
    return rows[image * channels * area + channel * area + pixel] as number;
  });
}

describe('what has no TensorFlow form is refused with its name', () => {
  for (const [name, message] of Object.entries(refusals)) {
    it(name, () => {
      const one = cases[name];
      assert.ok(one);
      assert.throws(
        () => convertSegments([sourceOf(one)]),
        (error) => error instanceof PackageError && message.test(error.message),
      );
    });
  }

  it('all of them at once', () => {
    const nodes = [node('Celu', ['image'], ['celu']), node('Mish', ['celu'], ['out'])];
    assert.throws(
      () => convertSegments([sourceOf({ image: [4], nodes, shape: [4] })]),
      /none for Celu, Mish\.$/,
    );
  });
});

for (const { name: engineName, skip, create } of engines) {
  describe(`operators in the engine ${engineName}`, { skip }, () => {
    for (const [name, plain] of Object.entries(cases)) {
      if (name in refusals) continue;
      it(name, async () => {
        const engine = await create();
        const one = randomised(plain);
        const random = createUniform(2);
        const size = one.image.reduce((product, extent) => product * extent, BATCH);
        const lowest = name === 'Sqrt' || name === 'Log' ? 0.01 : -1;
        const data = Float32Array.from({ length: size }, () => lowest + 2 * random());
        const { out } = await runModel(encode(one), { image: { dims: [BATCH, ...one.image], data } });
        assert.ok(out);

        const [segment] = await engine.load([sourceOf(one)]);
        assert.ok(segment);
        const { logits } = await segment.run(inLayout(data, one.image, engine.imageLayout), BATCH);
        await segment.release();
        const expected = inLayout(out.data, one.shape, engine.imageLayout);
        assert.ok(largestDifference(logits, expected) <= TOLERANCE);
      });
    }
  });
}
