// Operators that only rearrange. ONNX counts an image's values channel by channel, so that is the order in which
// it is flattened.
import { intAttribute, intsAttribute } from '../../../onnx/attributes.js';
import type { Shape } from '../../../onnx/dimensions.js';
import { DataType } from '../../../protobuf/saved_model_pb.js';
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
  reshaped,
  sizesOf,
  type Value,
  weights,
} from './rule.js';

/** A node of its own, since TensorFlow does not give out the very tensor it is fed. */
const same: OperatorRule = ({ build, value }) => build.add('Identity', [value(0).node]);

const reshape: OperatorRule = (context) => {
  const { build, shape, value } = context;
  const input = value(0);
  const ordered = input.shape.length === 4 && matters(input.shape) ? inOnnxOrder(context, input) : input.node;
  if (shape.length !== 4 || matters(shape)) {
    return fromOnnxOrder(context, reshaped(build, ordered, sizesOf(shape)));
  }
  return reshaped(build, ordered, inOrderHere(sizesOf(shape)));
};

/** Whether channels first and channels last are different orders of the same values. */
function matters([, channels, height, width]: Shape): boolean {
  return channels !== 1 && !(height === 1 && width === 1);
}

const concat: OperatorRule = (context) => {
  const { node, build, shape, value } = context;
  // TensorFlow refuses to join a single part, as the first layer of a DenseNet does.
  if (node.inputs.length === 1) return same(context);
  const rank = shape.length;
  const axis = intAttribute(node.proto, 'axis') ?? refuse(node, 'names no axis');
  const rows = node.inputs.map((_, index) => context.repeated(index));
  const beside = rows.indexOf(undefined);
  if (beside === -1) refuse(node, 'joins only constants');
  const parts = rows.map((row, index) =>
    row ? repeatedBeside(context, row, value(beside)) : value(index).node,
  );
  const here = build.integers([axisHere(axis < 0 ? axis + rank : axis, rank)], []);
  return build.add('ConcatV2', [...parts, here], {
    N: { i: parts.length },
    Tidx: { type: DataType.DT_INT32 },
  });
};

/** A constant, repeated for as many images as another tensor with as many axes has. */
function repeatedBeside({ node, build }: OperatorContext, row: Constant, other: Value): string {
  const batch = other.shape.findIndex((extent) => typeof extent === 'string');
  if (other.shape.length !== row.shape.length || row.shape[batch] !== 1) {
    refuse(node, 'joins a constant and images along different axes');
  }
  const integer = { type: DataType.DT_INT32 };
  const at = axisHere(batch, row.shape.length);
  const sizes = build.add('Shape', [other.node], { out_type: integer });
  const count = build.add('Slice', [sizes, build.integers([at]), build.integers([1])], {
    T: integer,
    Index: integer,
  });
  const { values, shape: extents } = permuted(row, inOrderHere(row.shape.map((_, axis) => axis)));
  const target = [extents.slice(0, at), undefined, extents.slice(at + 1)].flatMap((part) =>
    part === undefined ? [count] : part.length === 0 ? [] : [build.integers(part)],
  );
  const shape = build.add('ConcatV2', [...target, build.integers([0], [])], {
    T: integer,
    N: { i: target.length },
    Tidx: integer,
  });
  return build.add('BroadcastTo', [build.floats(values, extents), shape], { Tidx: integer });
}

/** What is left of each axis is known; only where it starts has to be found, and how far it goes at once. */
const slice: OperatorRule = (context) => {
  const { node, shape } = context;
  const input = context.value(0);
  const rank = shape.length;
  const starts = intsAttribute(node.proto, 'starts') ?? [...weights(context, 1).values];
  const axes = axesOf(context, 3, rank) ?? starts.map((_, axis) => axis);
  const given = node.inputs[4] ? [...weights(context, 4).values] : [];
  const begin = new Array<number>(rank).fill(0);
  const steps = new Array<number>(rank).fill(1);
  axes.forEach((axis, index) => {
    const start = starts[index] as number;
    steps[axis] = given[index] ?? 1;
    if (steps[axis] < 1) refuse(node, 'goes backwards');
    // Of the batch, everything is taken.
    if (typeof input.shape[axis] === 'string') return;
    begin[axis] = Math.max(start < 0 ? start + extentOf(node, input.shape, axis) : start, 0);
  });
  return steps.every((step) => step === 1)
    ? slicedFrom(context, input.node, begin, shape)
    : steppedFrom(context, input.node, begin, steps);
};

const transpose: OperatorRule = (context) => {
  const { node, build } = context;
  const input = context.value(0);
  const axes = input.shape.map((_, axis) => axis);
  const order = intsAttribute(node.proto, 'perm') ?? axes.toReversed();
  const here = inOrderHere(axes);
  return build.transpose(
    input.node,
    here.map((axis) => here.indexOf(order[axis] as number)),
  );
};

/** One part of it: TensorFlow's operation with several outputs would have to be converted once for all of them. */
const split: OperatorRule = (context) => {
  const { node, shape, output } = context;
  const input = context.value(0);
  const rank = shape.length;
  const given = intAttribute(node.proto, 'axis') ?? 0;
  const axis = given < 0 ? given + rank : given;
  const extent = extentOf(node, input.shape, axis);
  const sizes =
    intsAttribute(node.proto, 'split') ?? (node.inputs[1] ? [...weights(context, 1).values] : undefined);
  const start = sizes
    ? sizes.slice(0, output).reduce((sum, size) => sum + size, 0)
    : output * Math.ceil(extent / node.outputs.length);
  const begin = new Array<number>(rank).fill(0).with(axis, start);
  return slicedFrom(context, input.node, begin, shape);
};

/** Entries of an axis, by constant indices. */
const gather: OperatorRule = (context) => {
  const { node, build, shape } = context;
  const input = context.value(0);
  const rank = input.shape.length;
  const given = intAttribute(node.proto, 'axis') ?? 0;
  const axis = given < 0 ? given + rank : given;
  const extent = extentOf(node, input.shape, axis);
  const indices = weights(context, 1);
  const entries = [...indices.values].map((entry) => (entry < 0 ? entry + extent : entry));
  const [entry] = entries;
  if (entries.length === 1 && entry !== undefined) {
    const begin = new Array<number>(rank).fill(0).with(axis, entry);
    const of = { ...input, shape: input.shape.with(axis, 1) };
    const taken = slicedFrom(context, input.node, begin, of.shape);
    const ordered = inOnnxOrder(context, { ...of, node: taken });
    return fromOnnxOrder(context, reshaped(build, ordered, sizesOf(shape)));
  }
  const integer = { type: DataType.DT_INT32 };
  const ordered = inOnnxOrder(context, input);
  const list = build.integers(entries, indices.shape);
  const taken = build.add('GatherV2', [ordered, list, build.integers([axis], [])], {
    T: undefined,
    Tparams: { type: DataType.DT_FLOAT },
    Tindices: integer,
    Taxis: integer,
  });
  return fromOnnxOrder(context, taken);
};

/** Repeats axes of extent 1 within each image. */
const expand: OperatorRule = (context) => {
  const { node, build, shape } = context;
  if (context.constant(0)) refuse(node, 'repeats a constant that is not joined with a tensor of the images');
  const input = context.value(0);
  const padded: Shape = [...new Array<number>(shape.length - input.shape.length).fill(1), ...input.shape];
  const times = shape.map((extent, axis) => {
    const before = padded[axis];
    if (extent === before) return 1;
    return before === 1 && typeof extent === 'number'
      ? extent
      : refuse(node, 'repeats the images of a batch');
  });
  const ordered = fromOnnxOrder(context, reshaped(build, inOnnxOrder(context, input), sizesOf(padded)));
  return build.add('Tile', [ordered, build.integers(inOrderHere(times))], {
    Tmultiples: { type: DataType.DT_INT32 },
  });
};

/** @param begin for every axis of the ONNX tensor @param shape of what is taken */
function slicedFrom(
  { build }: OperatorContext,
  node: string,
  begin: readonly number[],
  shape: Shape,
): string {
  const size = build.integers(inOrderHere(sizesOf(shape)));
  return build.add('Slice', [node, build.integers(inOrderHere(begin)), size], {
    Index: { type: DataType.DT_INT32 },
  });
}

/** @param begin for every axis of the ONNX tensor, as are the `steps`; all of the batch is taken */
function steppedFrom(
  { build, shape }: OperatorContext,
  node: string,
  begin: readonly number[],
  steps: readonly number[],
): string {
  const end = shape.map((extent, axis) =>
    typeof extent === 'number' ? (begin[axis] as number) + (extent - 1) * (steps[axis] as number) + 1 : 0,
  );
  const open = inOrderHere(shape).findIndex((extent) => typeof extent === 'string');
  const bounds = [begin, end, steps].map((one) => build.integers(inOrderHere(one)));
  return build.add('StridedSlice', [node, ...bounds], {
    Index: { type: DataType.DT_INT32 },
    ...Object.fromEntries(
      ['begin_mask', 'end_mask', 'ellipsis_mask', 'new_axis_mask', 'shrink_axis_mask'].map((name, index) => [
        name,
        { i: index < 2 ? 2 ** open : 0 },
      ]),
    ),
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
  Expand: expand,
  Transpose: transpose,
};
