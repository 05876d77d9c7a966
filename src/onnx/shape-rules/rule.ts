// What a rule for the shapes of one operator's outputs is given, and how it refuses.
import { PackageError } from '../../foundation/errors.js';
import { intAttribute, intsAttribute } from '../attributes.js';
import { type Dimension, resolveAxis, type Shape } from '../dimensions.js';
import type { GraphNode } from '../graph.js';

export interface TensorShape {
  readonly shape: Shape;
  /** The values of a small integer tensor, where they are known: exporters compute shapes inside the graph. */
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

/** A shape that no rule can tell. The network may be sound all the same: then the file has to say it. */
export class UnknownShape extends PackageError {}

/** For what cannot be served, whatever the shapes are. */
export function refuse(node: GraphNode, reason: string): never {
  throw new PackageError(`model.onnx: ${node.label} ${reason}.`);
}

/** For what a rule does not understand. */
export function cannotTell(node: GraphNode, reason: string): never {
  throw new UnknownShape(`model.onnx: ${node.label} ${reason}.`);
}

export function input({ node, inputs }: ShapeContext, index: number): TensorShape {
  return inputs[index] ?? cannotTell(node, `lacks its input ${index}`);
}

/** The known integers of an input that shapes depend on. */
export function integers(context: ShapeContext, index: number, meaning: string): Shape {
  return input(context, index).integers ?? cannotTell(context.node, `has ${meaning} that are not constant`);
}

/** As `integers`, where the batch has no place. */
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

/** Refuses an operation along the batch: an answer must not depend on what else is in its batch. */
export function withinImage(node: GraphNode, dimension: Dimension | undefined): void {
  if (typeof dimension === 'string') refuse(node, 'mixes the images of a batch');
}
