// Output shapes of operators that compute values: element by element, along an axis, and matrix products.

import { intAttribute } from '../attributes.js';
import { broadcast, type Dimension, type Shape } from '../dimensions.js';
import { axesOf, axisAttribute, cannotTell, input, refuse, type ShapeRule, withinImage } from './rule.js';

const elementwise: ShapeRule = (context) => [{ shape: input(context, 0).shape }];

/** Only the first output has a shape: the second one, the mask, is not used in inference. */
const dropout: ShapeRule = (context) => {
  if (context.inputs[2]) refuse(context.node, 'may run in training mode; export the network for inference');
  return elementwise(context);
};

/** Element by element, on two operands. */
export const broadcasting: ShapeRule = (context) => {
  const { node } = context;
  const [a, b] = [input(context, 0).shape, input(context, 1).shape];
  const shape = broadcast(a, b);
  if (!shape) cannotTell(node, `cannot combine the shapes [${a.join(', ')}] and [${b.join(', ')}]`);
  return [{ shape }];
};

/** Element by element, on a condition and two operands. */
export const selecting: ShapeRule = (context) => {
  const { node } = context;
  const [condition, a, b] = [0, 1, 2].map((index) => input(context, index).shape) as [Shape, Shape, Shape];
  const either = broadcast(a, b);
  const shape = either && broadcast(condition, either);
  if (!shape) {
    const shapes = [condition, a, b].map((one) => `[${one.join(', ')}]`);
    cannotTell(node, `cannot combine the shapes ${shapes.join(', ')}`);
  }
  return [{ shape }];
};

const softmax: ShapeRule = (context) => {
  const { node, opset } = context;
  const { shape } = input(context, 0);
  const axis = axisAttribute(node, opset < 13 ? 1 : -1, shape.length);
  // Before operator set 13, Softmax normalised all axes from `axis` on together.
  for (const dimension of shape.slice(axis, opset < 13 ? undefined : axis + 1)) withinImage(node, dimension);
  return [{ shape }];
};

/** Normalises over all axes from `axis` on. */
const layerNormalisation: ShapeRule = (context) => {
  const { node } = context;
  const { shape } = input(context, 0);
  for (const dimension of shape.slice(axisAttribute(node, -1, shape.length))) withinImage(node, dimension);
  return [{ shape }];
};

const reduction: ShapeRule = (context) => {
  const { node } = context;
  const { shape } = input(context, 0);
  const given = axesOf(context, 1, shape.length);
  if (!given?.length && intAttribute(node.proto, 'noop_with_empty_axes')) return [{ shape }];
  const axes = given?.length ? given : shape.map((_, axis) => axis);
  for (const axis of axes) withinImage(node, shape[axis]);
  const keeps = (intAttribute(node.proto, 'keepdims') ?? 1) !== 0;
  return [
    {
      shape: shape.flatMap((dimension, axis) => (axes.includes(axis) ? (keeps ? [1] : []) : [dimension])),
    },
  ];
};

const gemm: ShapeRule = (context) => {
  const { node } = context;
  const operand = (index: number, flag: string): readonly [Dimension, Dimension] => {
    const [rows, columns, ...rest] = input(context, index).shape;
    if (rows === undefined || columns === undefined || rest.length > 0) {
      return cannotTell(node, 'takes a tensor that is not a matrix');
    }
    return intAttribute(node.proto, flag) ? [columns, rows] : [rows, columns];
  };
  const [rows, depth] = operand(0, 'transA');
  const [weightDepth, columns] = operand(1, 'transB');
  if (depth !== weightDepth) cannotTell(node, `cannot multiply ${depth} columns by ${weightDepth} rows`);
  withinImage(node, depth);
  return [{ shape: [rows, columns] }];
};

const matrixProduct: ShapeRule = (context) => {
  const { node } = context;
  const [a, b] = [input(context, 0).shape, input(context, 1).shape];
  const [depth, weightDepth] = [a.at(-1), b.at(Math.max(-2, -b.length))];
  if (depth === undefined || depth !== weightDepth) {
    return cannotTell(node, `cannot multiply the shapes [${a.join(', ')}] and [${b.join(', ')}]`);
  }
  withinImage(node, depth);
  const outer = broadcast(a.slice(0, -2), b.slice(0, -2));
  if (!outer) return cannotTell(node, `cannot multiply the shapes [${a.join(', ')}] and [${b.join(', ')}]`);
  return [{ shape: [...outer, ...a.slice(-2, -1), ...(b.length > 1 ? b.slice(-1) : [])] }];
};

/** Operators that keep the shape of their first input and process each image separately. */
const keepingShape = [
  ...[
    'Abs',
    'Celu',
    'Clip',
    'Elu',
    'Erf',
    'Exp',
    'Gelu',
    'HardSigmoid',
    'HardSwish',
    'InstanceNormalization',
    'IsNaN',
  ],
  ...[
    'LeakyRelu',
    'Log',
    'LRN',
    'Mish',
    'Neg',
    'PRelu',
    'Reciprocal',
    'Relu',
    'Selu',
    'Sigmoid',
    'Softplus',
    'Sqrt',
    'Tanh',
  ],
];

export const valueRules: Readonly<Record<string, ShapeRule>> = {
  ...Object.fromEntries(keepingShape.map((operator) => [operator, elementwise])),
  Dropout: dropout,
  Pow: broadcasting,
  Softmax: softmax,
  LogSoftmax: softmax,
  ReduceMax: reduction,
  ReduceMean: reduction,
  ReduceMin: reduction,
  ReduceSum: reduction,
  LayerNormalization: layerNormalisation,
  Gemm: gemm,
  MatMul: matrixProduct,
};
