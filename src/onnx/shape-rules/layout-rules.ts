// Output shapes of operators that only rearrange values: flattening, reshaping, transposing, joining, padding, slicing.

import { intAttribute, intsAttribute, stringAttribute } from '../attributes.js';
import { asDimension, broadcast, type Dimension, reshape, sizeOf } from '../dimensions.js';
import type { GraphNode } from '../graph.js';
import {
  axesOf,
  axisAttribute,
  axisOf,
  cannotTell,
  input,
  integers,
  numbers,
  refuse,
  type ShapeRule,
  withinImage,
} from './rule.js';

/** The largest int32. A slice end of at least this value means the end of the axis, whatever its extent is. */
const OPEN_END = 2 ** 31 - 1;

const identity: ShapeRule = (context) => [input(context, 0)];

const flatten: ShapeRule = (context) => {
  const { node } = context;
  const { shape } = input(context, 0);
  const axis = intAttribute(node.proto, 'axis') ?? 1;
  const split = axis === shape.length ? axis : axisOf(node, axis, shape.length);
  const rows = asDimension(sizeOf(shape.slice(0, split)));
  const columns = asDimension(sizeOf(shape.slice(split)));
  if (rows === undefined || columns === undefined) return cannotTell(node, 'mixes the images of a batch');
  return [{ shape: [rows, columns] }];
};

const reshaping: ShapeRule = (context) => {
  const { node } = context;
  const { shape } = input(context, 0);
  const target = integers(context, 1, 'dimensions');
  const reshaped = reshape(shape, target, intAttribute(node.proto, 'allowzero') === 1);
  if (!reshaped) {
    return cannotTell(
      node,
      `cannot reshape [${shape.join(', ')}] to [${target.join(', ')}] for every batch size`,
    );
  }
  return [{ ...input(context, 0), shape: reshaped }];
};

const transpose: ShapeRule = (context) => {
  const { node } = context;
  const { shape } = input(context, 0);
  const order = intsAttribute(node.proto, 'perm') ?? shape.map((_, axis) => shape.length - 1 - axis);
  if (order.length !== shape.length || new Set(order).size !== order.length) {
    return cannotTell(node, `has a "perm" that is not a permutation of the axes of [${shape.join(', ')}]`);
  }
  return [{ shape: order.map((axis) => shape[axisOf(node, axis, shape.length)] as Dimension) }];
};

const squeeze: ShapeRule = (context) => {
  const { node } = context;
  const tensor = input(context, 0);
  const axes = axesOf(context, 1, tensor.shape.length);
  const every = tensor.shape.flatMap((dimension, axis) => (dimension === 1 ? [axis] : []));
  const dropped = axes?.length ? axes : every;
  if (dropped.some((axis) => tensor.shape[axis] !== 1)) {
    return cannotTell(node, `cannot remove axes of [${tensor.shape.join(', ')}] whose extent is not 1`);
  }
  return [{ ...tensor, shape: tensor.shape.filter((_, axis) => !dropped.includes(axis)) }];
};

const unsqueeze: ShapeRule = (context) => {
  const { node } = context;
  const tensor = input(context, 0);
  const given = intsAttribute(node.proto, 'axes') ?? numbers(context, 1, 'axes');
  const rank = tensor.shape.length + given.length;
  const axes = new Set(given.map((axis) => axisOf(node, axis, rank)));
  if (axes.size !== given.length) return cannotTell(node, 'names an axis twice');
  const rest = [...tensor.shape];
  const shape = Array.from({ length: rank }, (_, axis) => (axes.has(axis) ? 1 : (rest.shift() as Dimension)));
  return [{ ...tensor, shape }];
};

const concat: ShapeRule = (context) => {
  const { node } = context;
  const tensors = context.inputs.map((_, index) => input(context, index));
  const { shape } = input(context, 0);
  const axis = axisAttribute(node, 1, shape.length);
  let extent = 0;
  for (const { shape: other } of tensors) {
    const fits = other.length === shape.length && other.every((d, i) => i === axis || d === shape[i]);
    if (!fits)
      return cannotTell(node, `cannot join the shapes [${shape.join(', ')}] and [${other.join(', ')}]`);
    const joined = other[axis];
    withinImage(node, joined);
    extent += joined as number;
  }
  const known = shape.length === 1 && tensors.every((tensor) => tensor.integers !== undefined);
  return [
    {
      shape: shape.with(axis, extent),
      ...(known && { integers: tensors.flatMap((tensor) => tensor.integers ?? []) }),
    },
  ];
};

const pad: ShapeRule = (context) => {
  const { node } = context;
  const { shape } = input(context, 0);
  const pads = intsAttribute(node.proto, 'pads') ?? numbers(context, 1, 'pads');
  const axes = axesOf(context, 3, shape.length) ?? shape.map((_, axis) => axis);
  if (pads.length !== 2 * axes.length) return cannotTell(node, 'does not have two pads per axis');
  const padded = [...shape];
  axes.forEach((axis, i) => {
    const added = (pads[i] as number) + (pads[i + axes.length] as number);
    const extent = shape[axis] as Dimension;
    if (added === 0) return;
    padded[axis] = typeof extent === 'number' ? extent + added : refuse(node, 'pads the batch');
  });
  const mode = stringAttribute(node.proto, 'mode') ?? 'constant';
  if (mode === 'wrap') return cannotTell(node, 'pads in the mode "wrap", which is not supported');
  return [{ shape: padded }];
};

const slice: ShapeRule = (context) => {
  const { node, opset } = context;
  const { shape, integers: known } = input(context, 0);
  const bounds = (name: string, index: number): number[] =>
    (opset < 10 ? intsAttribute(node.proto, name) : numbers(context, index, name)) ?? [];
  const starts = bounds('starts', 1);
  const ends = bounds('ends', 2);
  const steps = context.inputs[4] ? numbers(context, 4, 'steps') : starts.map(() => 1);
  if (steps.length !== starts.length || steps.some((step) => step < 1)) {
    return cannotTell(node, 'does not have one step forward per axis');
  }
  if (known && shape.length === 1 && steps[0] === 1) {
    const part = known.slice(starts[0], ends[0]);
    return [{ shape: [part.length], integers: part }];
  }

  const axes = axesOf(context, 3, shape.length) ?? starts.map((_, axis) => axisOf(node, axis, shape.length));
  if (starts.length !== axes.length || ends.length !== axes.length) {
    return cannotTell(node, 'does not have one start and one end per axis');
  }
  if (new Set(axes).size !== axes.length) return cannotTell(node, 'names an axis twice');
  const sliced = [...shape];
  axes.forEach((axis, i) => {
    const extent = slicedExtent(node, shape[axis] as Dimension, starts[i] as number, ends[i] as number);
    const step = steps[i] as number;
    if (typeof extent === 'string' && step !== 1) refuse(node, 'selects some images of a batch');
    sliced[axis] = typeof extent === 'string' ? extent : Math.ceil(extent / step);
  });
  return [{ shape: sliced }];
};

const split: ShapeRule = (context) => {
  const { node, opset } = context;
  const { shape, integers: known } = input(context, 0);
  const axis = axisAttribute(node, 0, shape.length);
  const extent = shape[axis] as Dimension;
  if (typeof extent === 'string') return refuse(node, 'takes part of the batch');
  const given =
    opset < 13
      ? intsAttribute(node.proto, 'split')
      : context.inputs[1] && numbers(context, 1, 'sizes of parts');
  const count = node.outputs.length;
  const size = Math.ceil(extent / count);
  const sizes = given ?? node.outputs.map((_, index) => Math.min(size, extent - index * size));
  const total = sizes.reduce((sum, part) => sum + part, 0);
  if (sizes.length !== count || total !== extent || sizes.some((part) => part < 0)) {
    return cannotTell(node, `cannot split ${extent} entries into parts of ${sizes.join(', ')}`);
  }
  let start = 0;
  return sizes.map((part) => {
    const values = known?.slice(start, start + part);
    start += part;
    return { shape: shape.with(axis, part), ...(values && shape.length === 1 && { integers: values }) };
  });
};

const expand: ShapeRule = (context) => {
  const { node } = context;
  const { shape } = input(context, 0);
  const target = integers(context, 1, 'dimensions');
  const expanded = broadcast(shape, target);
  if (!expanded) return cannotTell(node, `cannot expand [${shape.join(', ')}] to [${target.join(', ')}]`);
  return [{ shape: expanded }];
};

function slicedExtent(node: GraphNode, extent: Dimension, start: number, end: number): Dimension {
  if (typeof extent === 'string') {
    return start === 0 && end >= OPEN_END ? extent : refuse(node, 'selects some images of a batch');
  }
  const within = (bound: number) => Math.min(Math.max(bound < 0 ? bound + extent : bound, 0), extent);
  const left = within(end) - within(start);
  return left > 0 ? left : cannotTell(node, 'selects no entry of an axis');
}

export const layoutRules: Readonly<Record<string, ShapeRule>> = {
  Identity: identity,
  Flatten: flatten,
  Reshape: reshaping,
  Transpose: transpose,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Concat: concat,
  Pad: pad,
  Slice: slice,
  Split: split,
  Expand: expand,
};
