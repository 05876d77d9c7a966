// Shape inference: the dimensions of every tensor on the way to some outputs, for a batch of unknown size.
// One rule per operator, in shape-rules/; where none exists, what the file itself says about its tensors is used.
import { PackageError } from '../foundation/errors.js';
import { BATCH, type Dimension, type Shape } from './dimensions.js';
import type { DeclaredTensor, Graph, GraphNode } from './graph.js';
import { walkBack } from './graph-walk.js';
import { integerRules, storedTensor } from './shape-rules/integer-rules.js';
import { layoutRules } from './shape-rules/layout-rules.js';
import { refuse, type ShapeRule, type TensorShape } from './shape-rules/rule.js';
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
 * @returns the shape, batch included, of every tensor on the way.
 * @throws PackageError that names the node whose shapes do not fit or whose operator is unknown.
 */
export function inferShapes(
  graph: Graph,
  image: GraphImage,
  targets: readonly string[],
): ReadonlyMap<string, Shape> {
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

  for (const node of nodes) {
    const outputs = outputShapes(graph, node, known);
    node.outputs.forEach((name, index) => {
      const output = outputs[index];
      if (name === '' || !output) return;
      checkDimensions(node, output.shape);
      known.set(name, output);
    });
  }
  return new Map([...known].map(([name, tensor]) => [name, tensor.shape]));
}

function outputShapes(
  graph: Graph,
  node: GraphNode,
  known: ReadonlyMap<string, TensorShape>,
): readonly (TensorShape | undefined)[] {
  const rule = node.domain === '' ? rules.get(node.operator) : undefined;
  if (!rule) {
    return node.outputs.map((name) => (name === '' ? undefined : describedShape(graph, node, name)));
  }
  const inputs = node.inputs.map((name) => {
    const shape = known.get(name);
    if (name !== '' && !shape) refuse(node, `takes "${name}", an output that inference does not use`);
    return shape;
  });
  return rule({ node, opset: graph.opset, inputs });
}

/** What the file says about an output of an operator without a rule. */
function describedShape(graph: Graph, node: GraphNode, name: string): TensorShape {
  const described: DeclaredTensor | undefined = graph.described.get(name) ?? graph.outputs.get(name);
  const shape = described?.shape?.map((dimension, axis): Dimension => {
    if (dimension === null && axis === 0) return BATCH;
    return (
      dimension ?? refuse(node, `is not known to rdi-serve, and the file leaves the shape of "${name}" open`)
    );
  });
  return {
    shape: shape ?? refuse(node, 'is not known to rdi-serve, and the file does not say what shape it gives'),
  };
}

function checkDimensions(node: GraphNode, shape: Shape): void {
  const possible = shape.every(
    (dimension) =>
      dimension === BATCH ||
      (Number.isInteger(dimension) && dimension >= 0 && dimension <= LARGEST_DIMENSION),
  );
  if (!possible) refuse(node, `would give a tensor of shape [${shape.join(', ')}]`);
}

/**
 * The dimensions of a tensor without the batch, which has to come first.
 * @throws PackageError if the tensor has none, or an empty one.
 */
export function imageDimensions(shapes: ReadonlyMap<string, Shape>, name: string): readonly number[] {
  const [batch, ...dimensions] = shapes.get(name) ?? [];
  if (batch !== BATCH || dimensions.some((dimension) => dimension === BATCH || dimension === 0)) {
    throw new PackageError(`model.onnx: tensor "${name}" does not hold one row for each image of a batch.`);
  }
  return dimensions as number[];
}
