// Operators that take some entries of an axis. Of the batch, all are taken.
import { intAttribute, intsAttribute } from '../../../onnx/attributes.js';
import type { Shape } from '../../../onnx/dimensions.js';
import { DataType } from '../../../protobuf/saved_model_pb.js';
import {
  axesOf,
  extentOf,
  fromOnnxOrder,
  inOnnxOrder,
  inOrderHere,
  type OperatorContext,
  type OperatorRule,
  refuse,
  reshaped,
  sizesOf,
  weights,
} from './rule.js';

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

export const selectionRules: Readonly<Record<string, OperatorRule>> = {
  Slice: slice,
  Split: split,
  Gather: gather,
};
