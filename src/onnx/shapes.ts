// Shape inference: the dimensions of every tensor on the way to given outputs, for an unknown batch size.
// Each operator has a rule in shape-rules/. If there is none, or if it cannot determine the shape, the shape that the
// file declares is used. Import writes measured shapes into the file: network/intake/measured-shapes.ts.
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

/** Maximum of a dimension. A larger one is an error in the file. */
const LARGEST_DIMENSION = 2 ** 31;

export interface GraphImage {
  /** Name of the graph input. */
  readonly tensor: string;
  /** [channels, height, width] */
  readonly shape: readonly number[];
}

/**
 * @param targets the tensors whose shapes are wanted; only what they are computed from is examined
 * @returns the known shapes, including the batch, of the targets and of the tensors from which they are computed
 * @throws UnknownShape that names the node, if the shape of a target cannot be determined
 * @throws PackageError if an operator mixes the images of a batch or runs in training mode
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

export interface FollowedShapes {
  readonly shapes: ReadonlyMap<string, Shape>;
  /** The values of small integer tensors, where the rules determine them. */
  readonly integers: ReadonlyMap<string, Shape>;
  /** By tensor: the reason why its shape is unknown. */
  readonly problems: ReadonlyMap<string, PackageError>;
}

/** As `inferShapes`, but for an unknown shape or a refused operator, `problems` has the reason, by tensor. */
export function followShapes(graph: Graph, image: GraphImage, targets: readonly string[]): FollowedShapes {
  const known = new Map<string, TensorShape>([[image.tensor, { shape: [BATCH, ...image.shape] }]]);
  const { nodes, sources } = walkBack(graph, targets);
  for (const name of sources) {
    const stored = graph.initializers.get(name);
    if (stored) known.set(name, storedTensor(stored));
    else if (!known.has(name)) {
      throw new PackageError(
        `model.onnx takes the input "${name}" besides "${image.tensor}"; the image must be the only input.`,
      );
    }
  }

  /** By tensor: the reason why its shape cannot be determined. */
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
  return {
    shapes: new Map([...known].map(([name, tensor]) => [name, tensor.shape])),
    integers: new Map([...known].flatMap(([name, { integers }]) => (integers ? [[name, integers]] : []))),
    problems,
  };
}

/** The output shapes by the operator's rule, or the reason why there are none. */
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
      if (name !== '' && !shape) cannotTell(node, `takes "${name}", whose shape cannot be determined`);
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
    ? 'is not known to rdi-serve, and the file does not declare the shape of its output'
    : `is not known to rdi-serve, and the file does not fix the shape of "${open}"`;
}

/**
 * The shape that the file declares for a tensor; undefined if it does not fix all dimensions. If the first dimension is
 * not fixed, it is the batch.
 */
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
  if (!possible) cannotTell(node, `would give a tensor of shape [${shape.join(', ')}], which is impossible`);
}

/**
 * The dimensions of a tensor without the batch.
 * @throws PackageError if the first dimension is not the batch, or if another one is 0 or depends on the batch
 */
export function imageDimensions(shapes: ReadonlyMap<string, Shape>, name: string): readonly number[] {
  const [batch, ...dimensions] = shapes.get(name) ?? [];
  if (batch !== BATCH || dimensions.some((dimension) => typeof dimension === 'string' || dimension === 0)) {
    throw new PackageError(`model.onnx: tensor "${name}" does not hold one row for each image of a batch.`);
  }
  return dimensions as number[];
}
