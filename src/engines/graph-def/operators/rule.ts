// What a rule that turns one ONNX operator into TensorFlow's is given, and how it refuses.
// Images are [batch, channels, height, width] in ONNX; here they, and with them all tensors with four axes, are kept as
// [batch, height, width, channels], the only order in which TensorFlow computes on a CPU. All others are as in ONNX.
import { PackageError } from '../../../foundation/errors.js';
import { intsAttribute } from '../../../onnx/attributes.js';
import type { Shape } from '../../../onnx/dimensions.js';
import type { GraphNode } from '../../../onnx/graph.js';
import { DataType } from '../../../protobuf/saved_model_pb.js';
import type { GraphBuilder } from '../graph-def.js';

/** A tensor that depends on the image. */
export interface Value {
  /** The node that makes it. */
  readonly node: string;
  /** In ONNX's order. One axis depends on the batch, not always the first. */
  readonly shape: Shape;
}

export interface Constant {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export interface OperatorContext {
  readonly node: GraphNode;
  /** Version of ONNX's operators. */
  readonly opset: number;
  readonly build: GraphBuilder;
  /** Index of the output that is wanted: 0, unless the operator is a Split. */
  readonly output: number;
  /** Of the output, in ONNX's order. */
  readonly shape: Shape;
  /** @throws PackageError if the input is left out or a constant */
  value(index: number): Value;
  /** Float32, or int64 as float32; undefined: the input is left out, or no constant. */
  constant(index: number): Constant | undefined;
  /** A constant that the input repeats for every image, with the extent 1 at the axis of the batch; else undefined. */
  repeated(index: number): Constant | undefined;
}

/** @returns the name of the node that makes the operator's output. @throws PackageError */
export type OperatorRule = (context: OperatorContext) => string;

export function refuse(node: GraphNode, reason: string): never {
  throw new PackageError(`model.onnx has no TensorFlow form: ${node.label} ${reason}.`);
}

/** An extent that does not depend on the batch. */
export function extentOf(node: GraphNode, shape: Shape, axis: number): number {
  const extent = shape[axis];
  return typeof extent === 'number' ? extent : refuse(node, 'works along the axis of the images');
}

/** The shape as TensorFlow takes it, with -1 at the axis that depends on the batch. */
export function sizesOf(shape: Shape): number[] {
  return shape.map((extent) => (typeof extent === 'number' ? extent : -1));
}

/** The constant at an input that must be one. */
export function weights(context: OperatorContext, index: number): Constant {
  return context.constant(index) ?? refuse(context.node, `has no constant at its input ${index}`);
}

/** A one-dimensional constant of `length` values at an optional input. */
export function optionalVector(
  context: OperatorContext,
  index: number,
  length: number,
): Float32Array | undefined {
  if (!context.node.inputs[index]) return undefined;
  const { values } = weights(context, index);
  return values.length === length
    ? values
    : refuse(context.node, `has not ${length} values at its input ${index}`);
}

/** Axes, counted from the front, from the attribute of older operator versions or the input of newer ones; else undefined. */
export function axesOf(context: OperatorContext, index: number, rank: number): number[] | undefined {
  const { node } = context;
  const axes =
    intsAttribute(node.proto, 'axes') ??
    (node.inputs[index] ? [...weights(context, index).values] : undefined);
  return axes?.map((axis) => (axis < 0 ? axis + rank : axis));
}

/** An axis of a whole ONNX tensor with `rank` axes, as the axis of the tensor here. */
export function axisHere(axis: number, rank: number): number {
  return rank === 4 ? ([0, 3, 1, 2][axis] as number) : axis;
}

/** The dimensions of a whole ONNX tensor, or anything else listed by its axes, in the order that is used here. */
export function inOrderHere<Item>(items: readonly Item[]): readonly Item[] {
  return items.length === 4 ? [0, 2, 3, 1].map((axis) => items[axis] as Item) : items;
}

/** A value with its axes in ONNX's order. */
export function inOnnxOrder({ build }: OperatorContext, { node, shape }: Value): string {
  return shape.length === 4 ? build.transpose(node, [0, 3, 1, 2]) : node;
}

/** A tensor of the output's shape with its axes in ONNX's order, in the order that is used here. */
export function fromOnnxOrder({ build, shape }: OperatorContext, node: string): string {
  return shape.length === 4 ? build.transpose(node, [0, 2, 3, 1]) : node;
}

export function reshaped(build: GraphBuilder, node: string, shape: readonly number[]): string {
  return build.add('Reshape', [node, build.integers(shape)], { Tshape: { type: DataType.DT_INT32 } });
}

/** The same values with their axes in another order: axis i of the result is axis `order[i]` of the array. */
export function permuted({ values, shape }: Constant, order: readonly number[]): Constant {
  const strides = shape.map((_, axis) =>
    shape.slice(axis + 1).reduce((product, extent) => product * extent, 1),
  );
  const newShape = order.map((axis) => shape[axis] as number);
  const newStrides = order.map((axis) => strides[axis] as number);
  const position = newShape.map(() => 0);
  const result = Float32Array.from(values, () => {
    const offset = position.reduce((sum, index, axis) => sum + index * (newStrides[axis] as number), 0);
    for (let axis = position.length - 1; axis >= 0; axis--) {
      const next = (position[axis] as number) + 1;
      position[axis] = next === newShape[axis] ? 0 : next;
      if (position[axis] !== 0) break;
    }
    return values[offset] as number;
  });
  return { shape: newShape, values: result };
}
