// Shape inference: the dimensions of every tensor on the way to some outputs, for a batch of unknown size.
// One rule per operator, in shape-rules/; where none exists or a rule cannot tell, what the file itself says about its
// tensors is used. Import writes into the file what it has measured: network/intake/measured-shapes.ts.
import { PackageError } from '../foundation/errors.js';
import { BATCH, batchDimension, type Dimension, type Shape } from './dimensions.js';
import type { DeclaredTensor, Graph, GraphNode } from './graph.js';
import { walkBack } from './graph-walk.js';
import { integerRules, storedTensor } from './shape-rules/integer-rules.js';
import { layoutRules } from './shape-rules/layout-rules.js';
import { cannotTell, type ShapeRule, type TensorShape, UnknownShape } from './shape-rules/rule.js';
import { valueRules } from './shape-rules/value-rules.js';
import { windowRules } from './shape-rules/window-rules.js';

const rules: ReadonlyMap<string, ShapeRule> = new Map(
  Object.entries({ ...windowRules, ...valueRules, ...layoutRules, ...integerRules }),
);

/** Beyond this, a dimension is a mistake rather than a network. */
const LARGEST_DIMENSION = 2 ** 31;

export interface GraphImage {
  /** Name of the graph input. */
  readonly tensor: string;
  /** [channels, height, width] */
  readonly shape: readonly number[];
}

/**
 * @param targets the tensors whose shapes are wanted; nothing off the way to them is looked at.
 * @returns the shape, batch included, of every tensor on the way that can be told.
 * @throws UnknownShape that names the node for which a target's cannot be told.
 * @throws PackageError if an operator lets images of a batch change each other's answers, or learns.
 */
export function inferShapes(
  graph: Graph,
  image: GraphImage,
  targets: readonly string[],
): ReadonlyMap<string, Shape> {
  const { shapes, problems } = followShapes(graph, image, targets);
  const refusal = [...problems.values()].find((problem) => !(problem instanceof UnknownShape));
  if (refusal) throw refusal;
  for (const target of targets) {
    const problem = problems.get(target);
    if (problem) throw problem;
  }
  return shapes;
}

/** As `inferShapes`, but where a shape cannot be told or an operator is refused, `problems` says why, by tensor. */
export function followShapes(
  graph: Graph,
  image: GraphImage,
  targets: readonly string[],
): { shapes: ReadonlyMap<string, Shape>; problems: ReadonlyMap<string, PackageError> } {
  const known = new Map<string, TensorShape>([[image.tensor, { shape: [BATCH, ...image.shape] }]]);
  const { nodes, sources } = walkBack(graph, targets);
  for (const name of sources) {
    const stored = graph.initializers.get(name);
    if (stored) known.set(name, storedTensor(stored));
    else if (!known.has(name)) {
      throw new PackageError(
        `model.onnx takes the input "${name}" besides "${image.tensor}"; it may take the image only.`,
      );
    }
  }

  /** By tensor: why its shape cannot be told. */
  const problems = new Map<string, PackageError>();
  for (const node of nodes) {
    const ruled = ruledShapes(graph, node, known, problems);
    node.outputs.forEach((name, index) => {
      if (name === '') return;
      const output =
        ruled instanceof UnknownShape
          ? describedShape(graph, node, name)
          : ruled instanceof PackageError
            ? undefined
            : ruled[index];
      if (output) known.set(name, output);
      else if (ruled instanceof PackageError) problems.set(name, ruled);
    });
  }
  return { shapes: new Map([...known].map(([name, tensor]) => [name, tensor.shape])), problems };
}

/** What the operator's rule gives, or why it gives nothing. */
function ruledShapes(
  graph: Graph,
  node: GraphNode,
  known: ReadonlyMap<string, TensorShape>,
  problems: ReadonlyMap<string, PackageError>,
): readonly TensorShape[] | PackageError {
  try {
    const rule = node.domain === '' ? rules.get(node.operator) : undefined;
    if (!rule) return cannotTell(node, withoutRule(graph, node));
    const inputs = node.inputs.map((name) => {
      const problem = problems.get(name);
      if (problem) throw problem;
      const shape = known.get(name);
      if (name !== '' && !shape) cannotTell(node, `takes "${name}", an output that inference does not use`);
      return shape;
    });
    const outputs = rule({ node, opset: graph.opset, inputs });
    for (const { shape } of outputs) checkDimensions(node, shape);
    return outputs;
  } catch (error) {
    if (error instanceof PackageError) return error;
    throw error;
  }
}

function withoutRule({ described }: Graph, { outputs }: GraphNode): string {
  const open = outputs.find((name) => described.has(name));
  return open === undefined
    ? 'is not known to rdi-serve, and the file does not say what shape it gives'
    : `is not known to rdi-serve, and the file leaves the shape of "${open}" open`;
}

/** What the file says about a tensor; undefined if it leaves any of it open. A first dimension that it leaves open is the batch. */
function describedShape(graph: Graph, node: GraphNode, name: string): TensorShape | undefined {
  const described: DeclaredTensor | undefined = graph.described.get(name) ?? graph.outputs.get(name);
  const shape = described?.shape?.map((dimension, axis): Dimension | undefined => {
    if (dimension !== null) return dimension;
    return batchDimension(described.symbols[axis] ?? '') ?? (axis === 0 ? BATCH : undefined);
  });
  if (!shape?.every((dimension) => dimension !== undefined)) return undefined;
  checkDimensions(node, shape);
  return { shape };
}

function checkDimensions(node: GraphNode, shape: Shape): void {
  const possible = shape.every(
    (dimension) =>
      typeof dimension === 'string' ||
      (Number.isInteger(dimension) && dimension >= 0 && dimension <= LARGEST_DIMENSION),
  );
  if (!possible) cannotTell(node, `would give a tensor of shape [${shape.join(', ')}]`);
}

/**
 * The dimensions of a tensor without the batch, which has to come first.
 * @throws PackageError if the tensor has none, or an empty one.
 */
export function imageDimensions(shapes: ReadonlyMap<string, Shape>, name: string): readonly number[] {
  const [batch, ...dimensions] = shapes.get(name) ?? [];
  if (batch !== BATCH || dimensions.some((dimension) => typeof dimension === 'string' || dimension === 0)) {
    throw new PackageError(`model.onnx: tensor "${name}" does not hold one row for each image of a batch.`);
  }
  return dimensions as number[];
}
