// Operators on values: element by element, matrix products, softmax, means.
import { floatAttribute, intAttribute, stringAttribute } from '../../../onnx/attributes.js';
import { DataType } from '../../../protobuf/saved_model_pb.js';
import type { GraphBuilder } from '../graph-def.js';
import {
  axesOf,
  axisHere,
  type Constant,
  extentOf,
  fromOnnxOrder,
  inOnnxOrder,
  inOrderHere,
  type OperatorContext,
  type OperatorRule,
  permuted,
  refuse,
  weights,
} from './rule.js';

function unary(operation: string): OperatorRule {
  return ({ build, value }) => build.add(operation, [value(0).node]);
}

/** Broadcast as in ONNX, from the last axis on. */
function binary(operation: string): OperatorRule {
  return (context) => context.build.add(operation, [operand(context, 0), operand(context, 1)]);
}

/** An input of an operator that broadcasts, with as many axes as the output, so that their order here fits. */
function operand(context: OperatorContext, index: number): string {
  const { node, build } = context;
  const constant = constantOperand(context, index);
  if (constant) return build.floats(constant.values, constant.shape);
  const { shape, node: name } = context.value(index);
  return shape.length === context.shape.length ? name : refuse(node, 'broadcasts tensors of different ranks');
}

/** A constant that broadcasts, in the order that is used here; undefined: the input depends on the image. */
function constantOperand(context: OperatorContext, index: number): Constant | undefined {
  const { node, shape: output } = context;
  const constant = context.constant(index) ?? context.repeated(index);
  if (!constant) return undefined;
  const shape = [...new Array<number>(output.length - constant.shape.length).fill(1), ...constant.shape];
  const batch = output.findIndex((extent) => typeof extent === 'string');
  if (shape[batch] !== 1) refuse(node, 'has a constant for each image of a batch');
  return permuted({ values: constant.values, shape }, inOrderHere(shape.map((_, axis) => axis)));
}

/** Where a condition holds, the second input, elsewhere the third. */
const where: OperatorRule = (context) => {
  const { build } = context;
  const known = constantOperand(context, 0);
  const condition = known ? build.booleans(known.values, known.shape) : operand(context, 0);
  return build.add('SelectV2', [condition, operand(context, 1), operand(context, 2)]);
};

const clip: OperatorRule = (context) => {
  const { node, build } = context;
  const input = context.value(0).node;
  const bound = (index: number, name: string, fallback: number): number =>
    (node.inputs[index] ? weights(context, index).values[0] : floatAttribute(node.proto, name)) ?? fallback;
  const [least, most] = [bound(1, 'min', -LARGEST), bound(2, 'max', LARGEST)];
  if (least === 0 && most === 6) return build.add('Relu6', [input]);
  return build.add('ClipByValue', [input, scalar(context, least), scalar(context, most)]);
};

/** Of float32. */
const LARGEST = 3.4028234663852886e38;

function scalar({ build }: OperatorContext, value: number): string {
  return build.floats(Float32Array.of(value), []);
}

const leakyRelu: OperatorRule = ({ node, build, value }) =>
  build.add('LeakyRelu', [value(0).node], { alpha: { f: floatAttribute(node.proto, 'alpha') ?? 0.01 } });

/** max(x, 0) + slope · min(x, 0). */
const pRelu: OperatorRule = (context) => {
  const { build } = context;
  const input = context.value(0).node;
  const below = build.add('Minimum', [input, scalar(context, 0)]);
  return build.add('AddV2', [build.add('Relu', [input]), build.add('Mul', [below, operand(context, 1)])]);
};

const selu: OperatorRule = ({ node, build, value }) => {
  if (node.proto.attribute.length > 0) refuse(node, 'has an alpha or a gamma of its own');
  return build.add('Selu', [value(0).node]);
};

const elu: OperatorRule = ({ node, build, value }) => {
  if ((floatAttribute(node.proto, 'alpha') ?? 1) !== 1) refuse(node, 'has an alpha other than 1');
  return build.add('Elu', [value(0).node]);
};

/** max(0, min(1, alpha · x + beta)). */
const hardSigmoid: OperatorRule = (context) => {
  const { node } = context;
  const alpha = floatAttribute(node.proto, 'alpha') ?? 0.2;
  return gate(context, alpha, floatAttribute(node.proto, 'beta') ?? 0.5);
};

/** x · max(0, min(1, x / 6 + 1/2)). */
const hardSwish: OperatorRule = (context) =>
  context.build.add('Mul', [context.value(0).node, gate(context, 1 / 6, 0.5)]);

function gate(context: OperatorContext, slope: number, offset: number): string {
  const { build } = context;
  const scaled = build.add('Mul', [context.value(0).node, scalar(context, slope)]);
  const moved = build.add('AddV2', [scaled, scalar(context, offset)]);
  return build.add('ClipByValue', [moved, scalar(context, 0), scalar(context, 1)]);
}

const softmax: OperatorRule = (context) => {
  const { node, opset, build, shape } = context;
  const rank = shape.length;
  const given = intAttribute(node.proto, 'axis') ?? (opset < 13 ? 1 : -1);
  const axis = given < 0 ? given + rank : given;
  // Older versions normalise all axes from `axis` on together, which is the same if it is the last.
  if (axis !== rank - 1 && (opset < 13 || axisHere(axis, rank) !== rank - 1)) {
    refuse(node, 'is not taken over the last axis');
  }
  const input = context.value(0);
  if (axisHere(axis, rank) === rank - 1) return build.add('Softmax', [input.node]);
  return fromOnnxOrder(context, build.add('Softmax', [inOnnxOrder(context, input)]));
};

function reduction(operation: 'Mean' | 'Sum' | 'Max' | 'Min'): OperatorRule {
  return (context) => {
    const { node, build } = context;
    const input = context.value(0);
    const rank = input.shape.length;
    const axes = axesOf(context, 1, rank);
    if (!axes?.length) return refuse(node, 'has no constant axes');
    for (const axis of axes) extentOf(node, input.shape, axis);
    const keeps = intAttribute(node.proto, 'keepdims') !== 0;
    // Where several axes of an image are left, or four of more, their order would be another here.
    const isPlain = keeps || (rank === 4 ? axes.length > 1 : rank - axes.length !== 4);
    if (!isPlain) {
      return fromOnnxOrder(context, reduced(build, operation, inOnnxOrder(context, input), axes, false));
    }
    const here = axes.map((axis) => axisHere(axis, rank));
    return reduced(build, operation, input.node, here, keeps);
  };
}

function reduced(
  build: GraphBuilder,
  operation: 'Mean' | 'Sum' | 'Max' | 'Min',
  node: string,
  axes: readonly number[],
  keeps: boolean,
): string {
  return build.add(operation, [node, build.integers(axes)], {
    Tidx: { type: DataType.DT_INT32 },
    keep_dims: keeps,
  });
}

/** x / 2 · (1 + erf(x / √2)), or its approximation x / 2 · (1 + tanh(√(2 / π) · (x + 0.044715 · x³))). */
const gelu: OperatorRule = (context) => {
  const { node, build } = context;
  const input = context.value(0).node;
  const times = (a: string, b: string) => build.add('Mul', [a, b]);
  let curve: string;
  if (stringAttribute(node.proto, 'approximate') === 'tanh') {
    const cubed = times(times(times(input, input), input), scalar(context, 0.044715));
    const inner = build.add('AddV2', [input, cubed]);
    curve = build.add('Tanh', [times(inner, scalar(context, Math.sqrt(2 / Math.PI)))]);
  } else {
    curve = build.add('Erf', [times(input, scalar(context, Math.SQRT1_2))]);
  }
  const half = times(input, scalar(context, 0.5));
  return times(half, build.add('AddV2', [curve, scalar(context, 1)]));
};

/** Over all axes from `axis` on: (x − mean) / √(variance + epsilon) · scale + bias. */
const layerNormalisation: OperatorRule = (context) => {
  const { node, build } = context;
  const input = context.value(0);
  const rank = input.shape.length;
  const given = intAttribute(node.proto, 'axis') ?? -1;
  const first = given < 0 ? given + rank : given;
  const axes = Array.from({ length: rank - first }, (_, index) => axisHere(first + index, rank));
  const mean = (name: string) => reduced(build, 'Mean', name, axes, true);
  const centred = build.add('Sub', [input.node, mean(input.node)]);
  const variance = mean(build.add('Mul', [centred, centred]));
  const epsilon = scalar(context, floatAttribute(node.proto, 'epsilon') ?? 1e-5);
  const deviation = build.add('Rsqrt', [build.add('AddV2', [variance, epsilon])]);
  const normal = build.add('Mul', [build.add('Mul', [centred, deviation]), operand(context, 1)]);
  return node.inputs[2] ? build.add('AddV2', [normal, operand(context, 2)]) : normal;
};

export const valueRules: Readonly<Record<string, OperatorRule>> = {
  Relu: unary('Relu'),
  Sigmoid: unary('Sigmoid'),
  Tanh: unary('Tanh'),
  Elu: elu,
  Selu: selu,
  PRelu: pRelu,
  Softplus: unary('Softplus'),
  Abs: unary('Abs'),
  Neg: unary('Neg'),
  Exp: unary('Exp'),
  Erf: unary('Erf'),
  Sqrt: unary('Sqrt'),
  Reciprocal: unary('Reciprocal'),
  Log: unary('Log'),
  IsNaN: unary('IsNan'),
  LeakyRelu: leakyRelu,
  HardSigmoid: hardSigmoid,
  HardSwish: hardSwish,
  Clip: clip,
  Add: binary('AddV2'),
  Sub: binary('Sub'),
  Mul: binary('Mul'),
  Div: binary('RealDiv'),
  Pow: binary('Pow'),
  Where: where,
  Softmax: softmax,
  ReduceMean: reduction('Mean'),
  ReduceSum: reduction('Sum'),
  ReduceMax: reduction('Max'),
  ReduceMin: reduction('Min'),
  Gelu: gelu,
  LayerNormalization: layerNormalisation,
};
