// Operators that only rearrange. ONNX counts an image's values channel by channel, so that is the order in which
// it is flattened.
import { intAttribute, intsAttribute } from '../../../onnx/attributes.js';
import type { Shape } from '../../../onnx/dimensions.js';
import { DataType } from '../../../protobuf/saved_model_pb.js';
import {
  axisHere,
  type Constant,
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

export const layoutRules: Readonly<Record<string, OperatorRule>> = {
  Identity: same,
  Dropout: same,
  Flatten: reshape,
  Reshape: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Concat: concat,
  Expand: expand,
  Transpose: transpose,
};
