// One small graph per operator and variant, with the shape that it gives. Neighbours: shapes.test.ts, which holds them
// against inference and against onnxruntime, and shape-refusals.test.ts.
import { clearField, create } from '@bufbuild/protobuf';
import { readGraph } from '../../src/onnx/graph.js';
import { encodeModel } from '../../src/onnx/proto.js';
import { imageDimensions, inferShapes } from '../../src/onnx/shapes.js';
import {
  AttributeProtoSchema,
  type NodeProto,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from '../../src/protobuf/onnx-ml_pb.js';
import { floatTensor, intTensor, modelOf, node, tensorInfo } from '../support/packages/onnx-builder.js';

export interface ShapeCase {
  /** Without the batch. */
  image: number[];
  /** From `image` to `out`. */
  nodes: NodeProto[];
  initializers?: TensorProto[];
  /** Without the batch. */
  shape: number[];
  opset?: number;
}

export function weight(name: string, ...dims: number[]): TensorProto {
  const count = dims.reduce((product, extent) => product * extent, 1);
  return floatTensor(name, dims, new Array<number>(count).fill(0.1));
}

/** The largest int64, with which exporters say that a slice has no end. */
function endless(name: string): TensorProto {
  const rawData = new Uint8Array(BigInt64Array.of(2n ** 63n - 1n).buffer);
  return create(TensorProtoSchema, { name, dims: [1n], dataType: TensorProto_DataType.INT64, rawData });
}

export function pool(operator: string, attributes: Parameters<typeof node>[3]): NodeProto[] {
  return [node(operator, ['image'], ['out'], attributes)];
}

export function convolve(attributes: Parameters<typeof node>[3]): NodeProto[] {
  return [node('Conv', ['image', 'w'], ['out'], attributes)];
}

/** As files of proto3 have it: an attribute that is zero has a name and a type, but no value. */
export function withUnwrittenZero(made: NodeProto): NodeProto {
  for (const attribute of made.attribute) {
    if (attribute.i === 0n) clearField(attribute, AttributeProtoSchema.field.i);
    if (attribute.f === 0) clearField(attribute, AttributeProtoSchema.field.f);
  }
  return made;
}

const unary = [
  ...[
    'Abs',
    'Elu',
    'Erf',
    'Exp',
    'HardSigmoid',
    'HardSwish',
    'LeakyRelu',
    'Log',
    'Neg',
    'Relu',
    'Selu',
    'Sigmoid',
  ],
  ...['Softplus', 'Sqrt', 'Tanh', 'Identity', 'Dropout'],
];

export const shapeCases: Record<string, ShapeCase> = {
  ...Object.fromEntries(
    unary.map((operator) => [
      operator,
      { image: [2, 3, 3], nodes: [node(operator, ['image'], ['out'])], shape: [2, 3, 3] },
    ]),
  ),
  Clip: {
    image: [2, 3, 3],
    nodes: [node('Clip', ['image', '', 'six'], ['out'])],
    initializers: [floatTensor('six', [], [6])],
    shape: [2, 3, 3],
  },
  'Conv, plain': {
    image: [3, 9, 8],
    nodes: convolve({}),
    initializers: [weight('w', 4, 3, 3, 3)],
    shape: [4, 7, 6],
  },
  'Conv, strided and padded unevenly': {
    image: [3, 9, 8],
    nodes: convolve({ strides: [2, 3], pads: [1, 0, 2, 1] }),
    initializers: [weight('w', 4, 3, 3, 3)],
    shape: [4, 5, 3],
  },
  'Conv, dilated': {
    image: [1, 12, 12],
    nodes: convolve({ dilations: [2, 3], pads: [2, 3, 2, 3] }),
    initializers: [weight('w', 2, 1, 3, 3)],
    shape: [2, 12, 12],
  },
  'Conv, grouped': {
    image: [4, 5, 5],
    nodes: convolve({ group: 2, pads: [1, 1, 1, 1] }),
    initializers: [weight('w', 6, 2, 3, 3)],
    shape: [6, 5, 5],
  },
  'Conv, depthwise': {
    image: [4, 5, 5],
    nodes: convolve({ group: 4, pads: [1, 1, 1, 1], strides: [2, 2] }),
    initializers: [weight('w', 4, 1, 3, 3)],
    shape: [4, 3, 3],
  },
  'Conv, SAME_UPPER': {
    image: [1, 7, 8],
    nodes: convolve({ auto_pad: 'SAME_UPPER', strides: [2, 2] }),
    initializers: [weight('w', 2, 1, 3, 3)],
    shape: [2, 4, 4],
  },
  'Conv, SAME_LOWER': {
    image: [1, 7, 8],
    nodes: convolve({ auto_pad: 'SAME_LOWER', strides: [3, 3] }),
    initializers: [weight('w', 2, 1, 4, 4)],
    shape: [2, 3, 3],
  },
  'Conv, VALID': {
    image: [1, 7, 8],
    nodes: convolve({ auto_pad: 'VALID', strides: [2, 2] }),
    initializers: [weight('w', 2, 1, 3, 3)],
    shape: [2, 3, 3],
  },
  'Conv, one-dimensional': {
    image: [2, 10],
    nodes: convolve({}),
    initializers: [weight('w', 5, 2, 4)],
    shape: [5, 7],
  },
  MaxPool: {
    image: [2, 7, 7],
    nodes: pool('MaxPool', { kernel_shape: [3, 3], strides: [2, 2] }),
    shape: [2, 3, 3],
  },
  'MaxPool, rounding up': {
    image: [2, 8, 8],
    nodes: pool('MaxPool', { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }),
    shape: [2, 4, 4],
  },
  'MaxPool, a window that would start in the padding': {
    image: [2, 5, 6],
    nodes: pool('MaxPool', { kernel_shape: [2, 2], strides: [2, 2], pads: [1, 1, 1, 1], ceil_mode: 1 }),
    shape: [2, 3, 4],
  },
  'MaxPool, VALID, rounding up': {
    image: [2, 8, 7],
    nodes: pool('MaxPool', { kernel_shape: [3, 3], strides: [2, 2], auto_pad: 'VALID', ceil_mode: 1 }),
    shape: [2, 4, 3],
  },
  'AveragePool, VALID, rounding up': {
    image: [2, 8, 9],
    nodes: pool('AveragePool', { kernel_shape: [3, 2], strides: [2, 2], auto_pad: 'VALID', ceil_mode: 1 }),
    shape: [2, 4, 5],
  },
  'MaxPool, dilated': {
    image: [2, 7, 7],
    nodes: pool('MaxPool', { kernel_shape: [2, 2], dilations: [2, 2] }),
    shape: [2, 5, 5],
  },
  AveragePool: {
    image: [2, 8, 8],
    nodes: pool('AveragePool', { kernel_shape: [3, 2], strides: [3, 2], pads: [1, 0, 1, 0] }),
    shape: [2, 3, 4],
  },
  'AveragePool, rounding up': {
    image: [2, 7, 6],
    nodes: pool('AveragePool', { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 }),
    shape: [2, 4, 3],
  },
  GlobalAveragePool: { image: [3, 4, 5], nodes: pool('GlobalAveragePool', {}), shape: [3, 1, 1] },
  GlobalMaxPool: { image: [3, 4, 5], nodes: pool('GlobalMaxPool', {}), shape: [3, 1, 1] },
  BatchNormalization: {
    image: [2, 3, 3],
    nodes: [node('BatchNormalization', ['image', 's', 's', 's', 's'], ['out'])],
    initializers: [weight('s', 2)],
    shape: [2, 3, 3],
  },
  'Add, with an operand that is broadcast': {
    image: [2, 3, 4],
    nodes: [node('Add', ['image', 'b'], ['out'])],
    initializers: [weight('b', 2, 1, 1)],
    shape: [2, 3, 4],
  },
  'Mul, with a gate of the image’s own': {
    image: [2, 3, 4],
    nodes: [node('GlobalAveragePool', ['image'], ['gate']), node('Mul', ['gate', 'image'], ['out'])],
    shape: [2, 3, 4],
  },
  'Sub and Div': {
    image: [2, 3],
    nodes: [node('Sub', ['image', 'b'], ['less']), node('Div', ['less', 'b'], ['out'])],
    initializers: [weight('b', 3)],
    shape: [2, 3],
  },
  Gemm: {
    image: [6],
    nodes: [node('Gemm', ['image', 'w', 'b'], ['out'], { transB: 1 })],
    initializers: [weight('w', 4, 6), weight('b', 4)],
    shape: [4],
  },
  MatMul: {
    image: [5, 6],
    nodes: [node('MatMul', ['image', 'w'], ['out'])],
    initializers: [weight('w', 6, 4)],
    shape: [5, 4],
  },
  'MatMul with a vector': {
    image: [5, 6],
    nodes: [node('MatMul', ['image', 'w'], ['out'])],
    initializers: [weight('w', 6)],
    shape: [5],
  },
  Softmax: { image: [5], nodes: [node('Softmax', ['image'], ['out'])], shape: [5] },
  'LogSoftmax of operator set 11': {
    image: [5, 2],
    nodes: [node('LogSoftmax', ['image'], ['out'])],
    shape: [5, 2],
    opset: 11,
  },
  'ReduceMean with an attribute': {
    image: [2, 3, 4],
    nodes: [node('ReduceMean', ['image'], ['out'], { axes: [-1, 2], keepdims: 0 })],
    shape: [2],
  },
  'ReduceMean with a zero that proto3 leaves out': {
    image: [2, 3, 4],
    nodes: [withUnwrittenZero(node('ReduceMean', ['image'], ['out'], { axes: [2, 3], keepdims: 0 }))],
    shape: [2],
  },
  LayerNormalization: {
    image: [3, 4],
    nodes: [node('LayerNormalization', ['image', 's'], ['out'])],
    initializers: [weight('s', 4)],
    shape: [3, 4],
  },
  InstanceNormalization: {
    image: [2, 3, 4],
    nodes: [node('InstanceNormalization', ['image', 's', 's'], ['out'])],
    initializers: [weight('s', 2)],
    shape: [2, 3, 4],
  },
  PRelu: {
    image: [2, 3, 4],
    nodes: [node('PRelu', ['image', 's'], ['out'])],
    initializers: [weight('s', 2, 1, 1)],
    shape: [2, 3, 4],
  },
  'ReduceSum, empty axes that mean none': {
    image: [2, 3],
    nodes: [node('ReduceSum', ['image'], ['out'], { noop_with_empty_axes: 1 })],
    shape: [2, 3],
  },
  'ReduceMax with an attribute': {
    image: [2, 3, 4],
    nodes: [node('ReduceMax', ['image'], ['out'], { axes: [1] })],
    shape: [1, 3, 4],
  },
  'ReduceMean with an input': {
    image: [2, 3, 4],
    nodes: [node('ReduceMean', ['image', 'axes'], ['out'])],
    initializers: [intTensor('axes', [2, 3])],
    shape: [2, 1, 1],
    opset: 18,
  },
  Flatten: { image: [2, 3, 4], nodes: [node('Flatten', ['image'], ['out'])], shape: [24] },
  'Reshape with 0 and -1': {
    image: [2, 3, 4],
    nodes: [node('Reshape', ['image', 'to'], ['out'])],
    initializers: [intTensor('to', [0, -1, 6])],
    shape: [4, 6],
  },
  'Reshape with the batch at -1': {
    image: [2, 3, 4],
    nodes: [node('Reshape', ['image', 'to'], ['out'])],
    initializers: [intTensor('to', [-1, 24])],
    shape: [24],
  },
  'Reshape to a shape computed in the graph': {
    image: [2, 3, 4],
    nodes: [
      node('Shape', ['image'], ['shape']),
      node('Constant', [], ['first'], { value: { tensor: intTensor('', [0], []) } }),
      node('Gather', ['shape', 'first'], ['count']),
      node('Unsqueeze', ['count', 'zero'], ['counts']),
      node('Concat', ['counts', 'rest'], ['to'], { axis: 0 }),
      node('Reshape', ['image', 'to'], ['out']),
    ],
    initializers: [intTensor('zero', [0]), intTensor('rest', [-1])],
    shape: [24],
  },
  'Reshape to a shape computed with Slice and Cast': {
    image: [2, 3, 4],
    nodes: [
      node('Shape', ['image'], ['shape']),
      node('Cast', ['shape'], ['wide'], { to: 7 }),
      node('Slice', ['wide', 'zero', 'one'], ['counts']),
      node('Concat', ['counts', 'rest'], ['to'], { axis: 0 }),
      node('Reshape', ['image', 'to'], ['out']),
    ],
    initializers: [intTensor('zero', [0]), intTensor('one', [1]), intTensor('rest', [-1])],
    shape: [24],
  },
  Transpose: {
    image: [2, 3, 4],
    nodes: [node('Transpose', ['image'], ['out'], { perm: [0, 2, 3, 1] })],
    shape: [3, 4, 2],
  },
  'Squeeze with an input': {
    image: [2, 1, 1],
    nodes: [node('Squeeze', ['image', 'axes'], ['out'])],
    initializers: [intTensor('axes', [2, -1])],
    shape: [2],
  },
  'Squeeze, empty axes that mean every axis of 1': {
    image: [2, 1, 1],
    nodes: [node('Squeeze', ['image', 'axes'], ['out'])],
    initializers: [intTensor('axes', [])],
    shape: [2],
  },
  'Squeeze and Unsqueeze with attributes': {
    image: [2, 1],
    nodes: [
      node('Squeeze', ['image'], ['squeezed'], { axes: [2] }),
      node('Unsqueeze', ['squeezed'], ['out'], { axes: [1, -1] }),
    ],
    shape: [1, 2, 1],
    opset: 11,
  },
  Concat: {
    image: [2, 3, 3],
    nodes: [
      node('Relu', ['image'], ['relu']),
      node('Concat', ['image', 'relu', 'image'], ['out'], { axis: 1 }),
    ],
    shape: [6, 3, 3],
  },
  'Split into equal parts': {
    image: [5, 2, 2],
    nodes: [
      node('Split', ['image'], ['first', 'rest'], { axis: 1, num_outputs: 2 }),
      node('Identity', ['rest'], ['out']),
    ],
    opset: 18,
    shape: [2, 2, 2],
  },
  'Split into parts of given sizes': {
    image: [6, 2, 2],
    nodes: [node('Split', ['image', 'sizes'], ['first', 'out', 'last'], { axis: -3 })],
    initializers: [intTensor('sizes', [1, 3, 2])],
    shape: [3, 2, 2],
  },
  'Split with an attribute': {
    image: [6, 2],
    nodes: [node('Split', ['image'], ['first', 'out'], { axis: 1, split: [2, 4] })],
    opset: 11,
    shape: [4, 2],
  },
  'Expand of a token for each image, to a target as TorchScript computes it': {
    image: [2, 3],
    nodes: [
      node('Shape', ['image'], ['shape']),
      node('Slice', ['shape', 'zero', 'one'], ['rows']),
      node('Concat', ['rows', 'open', 'open'], ['wanted'], { axis: 0 }),
      node('ConstantOfShape', ['three'], ['ones'], { value: { tensor: intTensor('one', [1]) } }),
      node('Mul', ['ones', 'open'], ['unknown']),
      node('Equal', ['wanted', 'unknown'], ['isOpen']),
      node('Where', ['isOpen', 'ones', 'wanted'], ['target']),
      node('Expand', ['w', 'target'], ['tokens']),
      node('Concat', ['tokens', 'image'], ['out'], { axis: 1 }),
    ],
    initializers: [
      intTensor('zero', [0]),
      intTensor('one', [1]),
      intTensor('three', [3]),
      intTensor('open', [-1]),
      weight('w', 1, 1, 3),
    ],
    shape: [3, 3],
  },
  'Expand along an axis of the image': {
    image: [3, 1, 2],
    nodes: [node('Expand', ['image', 'target'], ['out'])],
    initializers: [intTensor('target', [3, 4, 1])],
    shape: [3, 4, 2],
  },
  'Slice of the first channels': {
    image: [5, 3, 4],
    nodes: [node('Slice', ['image', 'start', 'end', 'axis'], ['out'])],
    initializers: [intTensor('start', [0]), intTensor('end', [2]), intTensor('axis', [1])],
    shape: [2, 3, 4],
  },
  'Slice of the last channels': {
    image: [5, 3, 4],
    nodes: [node('Slice', ['image', 'start', 'end', 'axis', 'step'], ['out'])],
    initializers: [intTensor('start', [-2]), endless('end'), intTensor('axis', [-3]), intTensor('step', [1])],
    shape: [2, 3, 4],
  },
  'Slice of height and width': {
    image: [2, 5, 6],
    nodes: [node('Slice', ['image', 'starts', 'ends', 'axes', 'steps'], ['out'])],
    initializers: [
      intTensor('starts', [1, -4]),
      intTensor('ends', [-1, 5]),
      intTensor('axes', [-1, 2]),
      intTensor('steps', [1, 1]),
    ],
    shape: [2, 4, 4],
  },
  'Slice of rows': {
    image: [6],
    nodes: [node('Slice', ['image', 'start', 'end', 'axis'], ['out'])],
    initializers: [intTensor('start', [-5]), intTensor('end', [-1]), intTensor('axis', [1])],
    shape: [4],
  },
  'Slice with bounds outside': {
    image: [4, 3, 5],
    nodes: [node('Slice', ['image', 'starts', 'ends', 'axes'], ['out'])],
    initializers: [
      intTensor('starts', [-9, 1, -2]),
      intTensor('ends', [3, 9, 2 ** 31 - 1]),
      intTensor('axes', [1, 2, 3]),
    ],
    shape: [3, 2, 2],
  },
  'Slice of the leading axes, the whole batch among them': {
    image: [4, 5],
    nodes: [node('Slice', ['image', 'starts', 'ends'], ['out'])],
    initializers: [intTensor('starts', [0, 1]), intTensor('ends', [2 ** 31 - 1, 3])],
    shape: [2, 5],
  },
  'Slice of the batch to its end': {
    image: [4, 5, 2],
    nodes: [node('Slice', ['image', 'start', 'end'], ['out'])],
    initializers: [intTensor('start', [0]), endless('end')],
    shape: [4, 5, 2],
  },
  'Slice with attributes': {
    image: [4, 3, 5],
    nodes: [node('Slice', ['image'], ['out'], { starts: [1, -3], ends: [3, -1], axes: [1, 3] })],
    shape: [2, 3, 2],
    opset: 9,
  },
  'Slice with attributes, but no axes': {
    image: [4, 3, 5],
    nodes: [node('Slice', ['image'], ['out'], { starts: [0, -3], ends: [2 ** 31 - 1, 9] })],
    shape: [3, 3, 5],
    opset: 9,
  },
  'Pad with an input': {
    image: [2, 3, 3],
    nodes: [node('Pad', ['image', 'pads'], ['out'])],
    initializers: [intTensor('pads', [0, 0, 1, 2, 0, 0, 1, -1])],
    shape: [2, 5, 4],
  },
  'Pad with chosen axes': {
    image: [2, 3, 3],
    nodes: [node('Pad', ['image', 'pads', '', 'axes'], ['out'])],
    initializers: [intTensor('pads', [1, 2]), intTensor('axes', [-1])],
    shape: [2, 3, 6],
    opset: 18,
  },
  'Pad with an attribute': {
    image: [2, 3, 3],
    nodes: [node('Pad', ['image'], ['out'], { pads: [0, 0, 1, 1, 0, 0, 1, 1] })],
    shape: [2, 5, 5],
    opset: 10,
  },
};

export function encode(one: Omit<ShapeCase, 'shape'>): Uint8Array {
  return encodeModel(
    modelOf({
      nodes: one.nodes,
      initializers: one.initializers ?? [],
      inputs: [tensorInfo('image', ['batch', ...one.image])],
      outputs: [
        create(ValueInfoProtoSchema, {
          name: 'out',
          type: { value: { case: 'tensorType', value: { elemType: 1 } } },
        }),
      ],
      opset: one.opset ?? 17,
    }),
  );
}

export function infer(one: Omit<ShapeCase, 'shape'>): readonly number[] {
  const shapes = inferShapes(readGraph(encode(one)), { tensor: 'image', shape: one.image }, ['out']);
  return imageDimensions(shapes, 'out');
}
