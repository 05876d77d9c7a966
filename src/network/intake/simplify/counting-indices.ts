// Finds Gather nodes that take every value in order, which changes only the shape. PyTorch writes them for pooling whose
// result is a view: it computes the index of each value from a Range over the batch.
import { constantTensor, tensorDimensions, tensorIntegers } from '../../../onnx/attributes.js';
import { type Shape as Dimensions, sizeOf } from '../../../onnx/dimensions.js';
import type { Graph, GraphNode } from '../../../onnx/graph.js';
import type { Measured } from '../measured-shapes.js';

type Shape = Measured['shape'];

/** A tensor whose entry at i₀, i₁, … is offset + i₀ · stride₀ + i₁ · stride₁ + … */
interface Grid {
  readonly shape: Shape;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** @returns the Gather nodes whose indices are 0, 1, 2, … for every batch size, as many as their data has values */
export function findOrderedGathers(
  graph: Graph,
  shapes: ReadonlyMap<string, Measured>,
): ReadonlySet<GraphNode> {
  const grids = new Map<string, Grid>();
  const ordered = new Set<GraphNode>();
  for (const node of graph.nodes) {
    const [output = ''] = node.outputs;
    const shape = shapes.get(output)?.shape;
    if (node.domain !== '' || !shape) continue;
    const grid = gridOf(node, shape, (name) => grids.get(name) ?? storedGrid(graph, name));
    if (grid) grids.set(output, grid);
    if (node.operator !== 'Gather') continue;
    const [data = '', indices = ''] = node.inputs;
    const taken = grids.get(indices);
    const given = shapes.get(data)?.shape;
    if (taken && given?.length === 1 && counts(taken) && isSameSize(taken.shape, given)) ordered.add(node);
  }
  return ordered;
}

function gridOf(node: GraphNode, shape: Shape, grid: (name: string) => Grid | undefined): Grid | undefined {
  const [a, b, c] = node.inputs.map(grid);
  switch (node.operator) {
    case 'Range': {
      const isCounted = a?.shape.length === 0 && c?.shape.length === 0;
      return isCounted ? { shape, offset: a.offset, strides: [c.offset] } : undefined;
    }
    case 'Cast':
    case 'Identity':
      return a;
    case 'Unsqueeze':
    case 'Squeeze':
    case 'Reshape':
      return a && withUnitAxes(a, shape);
    case 'Add':
      return a && b && { shape, offset: a.offset + b.offset, strides: added(shape, a, b) };
    case 'Mul': {
      const [scaled, factor] = b && isSingle(b) ? [a, b] : [b, a];
      if (!scaled || !factor || !isSingle(factor)) return undefined;
      const by = factor.offset;
      const strides = added(shape, scaled, factor).map((stride) => stride * by);
      return { shape, offset: scaled.offset * by, strides };
    }
    default:
      return undefined;
  }
}

/** Integer types: a stored grid has the values of `tensorIntegers`. */
function storedGrid(graph: Graph, name: string): Grid | undefined {
  const maker = graph.producers.get(name);
  const tensor =
    maker?.operator === 'Constant' && maker.domain === ''
      ? constantTensor(maker.proto)
      : graph.initializers.get(name);
  const values = tensor && tensorIntegers(tensor);
  if (!tensor || !values?.length) return undefined;
  const shape = tensorDimensions(tensor);
  const [offset = 0] = values;
  const steps = shape.map((_, axis) =>
    shape.slice(axis + 1).reduce((product, extent) => product * extent, 1),
  );
  const strides = steps.map((step, axis) => (shape[axis] === 1 ? 0 : (values[step] as number) - offset));
  const fits = values.every((value, place) => {
    const sum = steps.reduce(
      (total, step, axis) =>
        total + (Math.floor(place / step) % (shape[axis] as number)) * (strides[axis] as number),
      offset,
    );
    return value === sum;
  });
  return fits ? { shape, offset, strides } : undefined;
}

function isSingle({ shape }: Grid): boolean {
  return shape.every((extent) => extent === 1);
}

/** The same entries with other axes of extent 1. */
function withUnitAxes({ shape: before, offset, strides }: Grid, shape: Shape): Grid | undefined {
  const wide = (extents: Shape) => extents.flatMap((extent, axis) => (extent === 1 ? [] : [axis]));
  const [from, to] = [wide(before), wide(shape)];
  const isSame =
    from.length === to.length && from.every((axis, i) => before[axis] === shape[to[i] as number]);
  if (!isSame) return undefined;
  return { shape, offset, strides: shape.map((_, axis) => strides[from[to.indexOf(axis)] ?? -1] ?? 0) };
}

/** Strides of the sum, which broadcasts: an axis of extent 1 has the stride 0 in the other's direction. */
function added(shape: Shape, a: Grid, b: Grid): number[] {
  return shape.map((_, axis) => {
    const along = ({ shape: own, strides }: Grid): number => {
      const at = axis - shape.length + own.length;
      return own[at] === 1 ? 0 : (strides[at] ?? 0);
    };
    return along(a) + along(b);
  });
}

/** Whether the entries are 0, 1, 2, … in order. */
function counts({ shape, offset, strides }: Grid): boolean {
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const extent = shape[axis];
    if (extent === 1) continue;
    if (strides[axis] !== step) return false;
    // The batch can only be the first of the axes: steps over it would depend on its size.
    step = typeof extent === 'number' ? step * extent : Number.NaN;
  }
  return offset === 0;
}

/** Whether tensors of two shapes have equally many entries for every batch size. */
function isSameSize(a: Shape, b: Shape): boolean {
  if (a.includes(undefined) || b.includes(undefined)) return false;
  const [left, right] = [sizeOf(a as Dimensions), sizeOf(b as Dimensions)];
  return left.factor === right.factor && left.batches === right.batches;
}
