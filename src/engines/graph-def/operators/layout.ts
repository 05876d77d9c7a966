// Operators that only rearrange. ONNX counts an image's values channel by channel, so that is the order in which
// it is flattened.
import { intAttribute, intsAttribute } from '../../../onnx/attributes.js';
import { DataType } from '../../../protobuf/saved_model_pb.js';
import { axesOf, axisHere, inOrderHere, type OperatorRule, refuse, weights } from './rule.js';

/** A node of its own, since TensorFlow does not give out the very tensor it is fed. */
const same: OperatorRule = ({ build, value }) => build.add('Identity', [value(0).node]);

const reshape: OperatorRule = ({ build, shape, value }) => {
  const input = value(0);
  const ordered =
    input.shape.length === 3 && matters(input.shape)
      ? build.add('Transpose', [input.node, build.integers([0, 3, 1, 2])], { Tperm })
      : input.node;
  const isImage = shape.length === 3;
  const direct = isImage && !matters(shape);
  const target = direct ? [shape[1], shape[2], shape[0]] : shape;
  const reshaped = build.add('Reshape', [ordered, build.integers([-1, ...(target as number[])])], {
    Tshape: { type: DataType.DT_INT32 },
  });
  return isImage && !direct
    ? build.add('Transpose', [reshaped, build.integers([0, 2, 3, 1])], { Tperm })
    : reshaped;
};

const Tperm = { type: DataType.DT_INT32 };

/** Whether channels first and channels last are different orders of the same values. */
function matters([channels, height, width]: readonly number[]): boolean {
  return channels !== 1 && !(height === 1 && width === 1);
}

const concat: OperatorRule = ({ node, build, shape, value }) => {
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
  const { node, build, shape } = context;
  const input = context.value(0);
  const rank = shape.length + 1;
  const starts = intsAttribute(node.proto, 'starts') ?? [...weights(context, 1).values];
  const axes = axesOf(context, 3, rank) ?? starts.map((_, axis) => axis);
  const begin = new Array<number>(rank).fill(0);
  axes.forEach((axis, index) => {
    const start = starts[index] as number;
    begin[axis] = Math.max(start < 0 ? start + (input.shape[axis - 1] as number) : start, 0);
  });
  const size = build.integers(inOrderHere([-1, ...shape]));
  return build.add('Slice', [input.node, build.integers(inOrderHere(begin)), size], {
    Index: { type: DataType.DT_INT32 },
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
  Slice: slice,
};
