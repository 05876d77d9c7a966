// Finds the tensors of a graph that do not depend on the image. Some are fixed: they are the same for every image and
// every batch size, such as the sizes that exporters read from shapes. Others hold the same row for every image of a batch,
// such as a class token.
import { BATCH } from '../../../onnx/dimensions.js';
import type { Graph, GraphNode } from '../../../onnx/graph.js';
import type { Measured } from '../measured-shapes.js';

export interface KnownTensors {
  /** Made by nodes, and the same in every run. Initializers are not among them. */
  readonly fixed: ReadonlySet<string>;
  /** Tensors that repeat one row along the axis of the batch, and that axis. */
  readonly repeated: ReadonlyMap<string, number>;
}

type Extent = Measured['shape'][number];

/** Results that differ from run to run. */
const RANDOM = /^(Random|Bernoulli$|Multinomial$)/;

/** Their outputs are larger than their inputs on purpose: quantised weights stay quantised. */
const GROWING = new Set(['DequantizeLinear']);

/** A fixed tensor may have this many bytes more than the stored tensors that it is computed from. */
const MOST_GROWTH = 2 ** 20;

/** Operators that compute each entry of the output from one entry of each input, with broadcasting. */
const ELEMENTWISE = new Set([
  ...[
    'Add',
    'Sub',
    'Mul',
    'Div',
    'Pow',
    'Mod',
    'Min',
    'Max',
    'Abs',
    'Neg',
    'Sqrt',
    'Exp',
    'Cast',
    'Identity',
  ],
  ...['Where', 'Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'And', 'Or', 'Xor', 'Not'],
]);

export function isElementwise({ domain, operator }: GraphNode): boolean {
  return domain === '' && ELEMENTWISE.has(operator);
}

/**
 * @param isConstant whether the shape rules have found all values of a tensor of integers, none of which is the batch
 * @param shapes measured, of the tensors that nodes make
 */
export function findKnownTensors(
  graph: Graph,
  isConstant: (tensor: string) => boolean,
  shapes: ReadonlyMap<string, Measured>,
): KnownTensors {
  const fixed = new Set<string>();
  const repeated = new Map<string, number>();
  const isFixed = (name: string) => name === '' || fixed.has(name) || graph.initializers.has(name);
  const storedBytes = new Map<string, number>();

  for (const node of graph.nodes) {
    const outputs = node.outputs.filter((name) => name !== '');
    if (RANDOM.test(node.operator) || GROWING.has(node.operator)) continue;
    const sizes = outputs.map((name) => bytesOf(shapes.get(name)));
    const sources = node.inputs.reduce((sum, name) => sum + stored(name), 0);
    const isSmall = sizes.every((bytes) => bytes !== undefined && bytes <= sources + MOST_GROWTH);
    if (isSmall && (node.inputs.every(isFixed) || outputs.every(isConstant))) {
      for (const name of outputs) {
        fixed.add(name);
        storedBytes.set(name, sources);
      }
      continue;
    }
    const [output = ''] = outputs;
    const axis = outputs.length === 1 ? repeatedAxis(node, output) : undefined;
    if (axis !== undefined) repeated.set(output, axis);
  }
  return { fixed, repeated };

  /** Bytes of the stored tensors that a tensor is computed from. */
  function stored(name: string): number {
    const tensor = graph.initializers.get(name);
    if (!tensor) return storedBytes.get(name) ?? 0;
    return tensor.dims.reduce((product, extent) => product * Number(extent), 4);
  }

  /** The axis of the batch, if every image has the same row in the node's output. */
  function repeatedAxis(node: GraphNode, output: string): number | undefined {
    const shape = shapes.get(output)?.shape;
    const axis = shape && onlyBatchAxis(shape);
    if (shape === undefined || axis === undefined || node.domain !== '') return undefined;
    if (node.operator === 'ConstantOfShape') return axis;
    const inputs = node.operator === 'Expand' ? node.inputs.slice(0, 1) : node.inputs;
    if (node.operator !== 'Expand' && !isElementwise(node)) return undefined;
    const fromEnd = shape.length - axis;
    const repeats = inputs.every((name) => {
      const own = repeated.get(name);
      const extents = shapeOf(name);
      if (extents === undefined) return false;
      if (own !== undefined) return extents.length - own === fromEnd;
      return isFixed(name) && (extents[extents.length - fromEnd] ?? 1) === 1;
    });
    return repeats && inputs.length > 0 ? axis : undefined;
  }

  function shapeOf(name: string): readonly Extent[] | undefined {
    return graph.initializers.get(name)?.dims.map(Number) ?? shapes.get(name)?.shape;
  }
}

/** The axis that is the batch, if all others are fixed. */
export function onlyBatchAxis(shape: readonly Extent[]): number | undefined {
  const open = shape.flatMap((extent, axis) => (typeof extent === 'number' ? [] : [axis]));
  const [axis] = open;
  return open.length === 1 && axis !== undefined && shape[axis] === BATCH ? axis : undefined;
}

/** At most 8 bytes a value; undefined if the shape depends on the batch. */
function bytesOf(measured: Measured | undefined): number | undefined {
  if (!measured?.shape.every((extent) => typeof extent === 'number')) return undefined;
  return (measured.shape as number[]).reduce((product, extent) => product * extent, 8);
}
