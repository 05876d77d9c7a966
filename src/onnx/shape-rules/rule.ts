// The interface of a shape rule, and functions with which rules read inputs and refuse. A rule gives the shapes of one
// operator's outputs.
import { PackageError } from '../../foundation/errors.js';
import { intAttribute, intsAttribute } from '../attributes.js';
import { type Dimension, resolveAxis, type Shape } from '../dimensions.js';
import type { GraphNode } from '../graph.js';

export interface TensorShape {
  readonly shape: Shape;
  /** The values of a small integer tensor, if they are known. Exporters compute shapes inside the graph. */
  readonly integers?: Shape;
}

export interface ShapeContext {
  readonly node: GraphNode;
  /** Version of ONNX's operators. */
  readonly opset: number;
  /** In the order of the node's inputs; undefined: left out. */
  readonly inputs: readonly (TensorShape | undefined)[];
}

/** @returns one entry per output that later nodes may take. @throws PackageError if the inputs do not fit. */
export type ShapeRule = (context: ShapeContext) => TensorShape[];

/** A shape that no rule can determine. The network may still be valid; then the file must declare the shape. */
export class UnknownShape extends PackageError {}

/** For a network that cannot be served, whatever its shapes are. */
export function refuse(node: GraphNode, reason: string): never {
  throw new PackageError(`model.onnx: ${node.label} ${reason}.`);
}

/** For a shape that the rule cannot determine. */
export function cannotTell(node: GraphNode, reason: string): never {
  throw new UnknownShape(`model.onnx: ${node.label} ${reason}.`);
}

export function input({ node, inputs }: ShapeContext, index: number): TensorShape {
  return inputs[index] ?? cannotTell(node, `lacks its input ${index}`);
}

/** The values of an integer input on which the output shape depends. */
export function integers(context: ShapeContext, index: number, meaning: string): Shape {
  return input(context, index).integers ?? cannotTell(context.node, `has ${meaning} that are not constant`);
}

/** As `integers`, but no value may depend on the batch. */
export function numbers(context: ShapeContext, index: number, meaning: string): number[] {
  return integers(context, index, meaning).map((value) =>
    typeof value === 'number' ? value : cannotTell(context.node, `has ${meaning} that depend on the batch`),
  );
}

export function axisOf(node: GraphNode, axis: number, rank: number): number {
  return resolveAxis(axis, rank) ?? cannotTell(node, `works on axis ${axis} of a tensor with ${rank} axes`);
}

/** Axes from the attribute of older operator versions or the input of newer ones; undefined: neither is given. */
export function axesOf(context: ShapeContext, index: number, rank: number): number[] | undefined {
  const { node } = context;
  const axes =
    intsAttribute(node.proto, 'axes') ??
    (context.inputs[index] === undefined ? undefined : numbers(context, index, 'axes'));
  return axes?.map((axis) => axisOf(node, axis, rank));
}

export function axisAttribute(node: GraphNode, fallback: number, rank: number): number {
  return axisOf(node, intAttribute(node.proto, 'axis') ?? fallback, rank);
}

/** Refuses an operation along the batch: an answer must not depend on the other images of its batch. */
export function withinImage(node: GraphNode, dimension: Dimension | undefined): void {
  if (typeof dimension === 'string') refuse(node, 'mixes the images of a batch');
}
