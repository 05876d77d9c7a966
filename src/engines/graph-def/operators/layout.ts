// Operators that only rearrange. ONNX counts an image's values channel by channel, so that is the order in which
// it is flattened.
import { intAttribute, intsAttribute } from '../../../onnx/attributes.js';
import { DataType } from '../../../protobuf/saved_model_pb.js';
import {
  axesOf,
  axisHere,
  fromOnnxOrder,
  inOnnxOrder,
  inOrderHere,
  type OperatorContext,
  type OperatorRule,
  refuse,
  reshaped,
  transposed,
  weights,
} from './rule.js';

/** A node of its own, since TensorFlow does not give out the very tensor it is fed. */
const same: OperatorRule = ({ build, value }) => build.add('Identity', [value(0).node]);

const reshape: OperatorRule = (context) => {
  const { build, shape, value } = context;
  const input = value(0);
  const ordered = input.shape.length === 3 && matters(input.shape) ? inOnnxOrder(context, input) : input.node;
  if (shape.length !== 3 || matters(shape)) {
    return fromOnnxOrder(context, reshaped(build, ordered, [-1, ...shape]));
  }
  return reshaped(build, ordered, inOrderHere([-1, ...shape]));
};

/** Whether channels first and channels last are different orders of the same values. */
function matters([channels, height, width]: readonly number[]): boolean {
  return channels !== 1 && !(height === 1 && width === 1);
}

const concat: OperatorRule = (context) => {
  const { node, build, shape, value } = context;
  // TensorFlow refuses to join a single part, as the first layer of a DenseNet does.
  if (node.inputs.length === 1) return same(context);
  const rank = shape.length + 1;
  const axis = intAttribute(node.proto, 'axis') ?? refuse(node, 'names no axis');
  const parts = node.inputs.map((_, index) => value(index).node);
  const here = build.integers([axisHere(axis < 0 ? axis + rank : axis, rank)], []);
  return build.add('ConcatV2', [...parts, here], {
    N: { i: parts.length },
    Tidx: { type: DataType.DT_INT32 },
  });
};

/** What is left of each axis is known; only where it starts has to be found. */
const slice: OperatorRule = (context) => {
  const { node, shape } = context;
  const input = context.value(0);
  const rank = shape.length + 1;
  const starts = intsAttribute(node.proto, 'starts') ?? [...weights(context, 1).values];
  const axes = axesOf(context, 3, rank) ?? starts.map((_, axis) => axis);
  const begin = new Array<number>(rank).fill(0);
  axes.forEach((axis, index) => {
    const start = starts[index] as number;
    begin[axis] = Math.max(start < 0 ? start + (input.shape[axis - 1] as number) : start, 0);
  });
  return slicedFrom(context, input.node, begin, shape);
};

const transpose: OperatorRule = (context) => {
  const { node, build } = context;
  const input = context.value(0);
  const axes = [0, ...input.shape].map((_, axis) => axis);
  const order = intsAttribute(node.proto, 'perm') ?? axes.toReversed();
  if (order[0] !== 0) refuse(node, 'moves the axis of the images');
  const here = inOrderHere(axes);
  const orderHere = here.map((axis) => here.indexOf(order[axis] as number));
  return transposed(build, input.node, orderHere);
};

/** One part of it: TensorFlow's operation with several outputs would have to be converted once for all of them. */
const split: OperatorRule = (context) => {
  const { node, shape, output } = context;
  const input = context.value(0);
  const rank = shape.length + 1;
  const given = intAttribute(node.proto, 'axis') ?? 0;
  const axis = given < 0 ? given + rank : given;
  const extent = input.shape[axis - 1] ?? refuse(node, 'splits a batch');
  const sizes =
    intsAttribute(node.proto, 'split') ?? (node.inputs[1] ? [...weights(context, 1).values] : undefined);
  const start = sizes
    ? sizes.slice(0, output).reduce((sum, size) => sum + size, 0)
    : output * Math.ceil(extent / node.outputs.length);
  const begin = new Array<number>(rank).fill(0).with(axis, start);
  return slicedFrom(context, input.node, begin, shape);
};

/** A single entry of the channels, or of an axis of anything but images. */
const gather: OperatorRule = (context) => {
  const { node, build, shape } = context;
  const input = context.value(0);
  const rank = input.shape.length + 1;
  const given = intAttribute(node.proto, 'axis') ?? 0;
  const axis = given < 0 ? given + rank : given;
  const index = weights(context, 1);
  if (index.shape.length > 0 || axis === 0 || (rank === 4 && axis !== 1)) {
    refuse(node, 'takes more than a single entry of an axis');
  }
  const [entry = 0] = index.values;
  const extent = input.shape[axis - 1] as number;
  const begin = new Array<number>(rank).fill(0).with(axis, entry < 0 ? entry + extent : entry);
  const taken = slicedFrom(context, input.node, begin, input.shape.with(axis - 1, 1));
  return fromOnnxOrder(context, reshaped(build, taken, [-1, ...shape]));
};

/** @param begin for every axis of the ONNX tensor @param shape of what is taken, without the batch */
function slicedFrom(
  { build }: OperatorContext,
  node: string,
  begin: readonly number[],
  shape: readonly number[],
): string {
  const size = build.integers(inOrderHere([-1, ...shape]));
  return build.add('Slice', [node, build.integers(inOrderHere(begin)), size], {
    Index: { type: DataType.DT_INT32 },
  });
}

export const layoutRules: Readonly<Record<string, OperatorRule>> = {
  Identity: same,
  Dropout: same,
  Flatten: reshape,
  Reshape: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Concat: concat,
  Slice: slice,
  Split: split,
  Gather: gather,
  Transpose: transpose,
};
