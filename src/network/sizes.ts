// Batch sizes inside a segment. Exporters read the batch size from the shape of a tensor, which may belong to an
// earlier stage. A segment does not have that tensor, but its own input has the same number of rows.
// Related: segments.ts.

import { intAttribute } from '../onnx/attributes.js';
import { integers, operator } from '../onnx/build.js';
import { batchFactor, type Dimension } from '../onnx/dimensions.js';
import type { GraphNode } from '../onnx/graph.js';
import { variableTensors } from '../onnx/graph-walk.js';
import { cannotTell } from '../onnx/shape-rules/rule.js';
import type { NodeProto, TensorProto } from '../protobuf/onnx-ml_pb.js';
import type { MultiExitGraph } from './multi-exit-graph.js';

export interface Sizes {
  /** The nodes of the segment that are not changed. */
  readonly kept: readonly GraphNode[];
  /** Replace the other nodes. They take only the segment's input and `initializers`. */
  readonly nodes: readonly NodeProto[];
  readonly initializers: readonly TensorProto[];
}

/** Prefix of the names that are made here. No exporter uses it. */
const PREFIX = 'rdi-serve/';
const ROWS = `${PREFIX}rows`;

/**
 * Replaces every Shape node of a tensor that the segment does not make.
 * @param input of the segment
 * @param nodes of the segment, in order of execution
 * @throws PackageError that names the tensor, if a Shape node reads a shape that is unknown
 */
export function sizesFrom(
  { graph, shapes }: MultiExitGraph,
  input: string,
  nodes: readonly GraphNode[],
): Sizes {
  const variable = variableTensors(graph);
  const made = new Set([input, ...nodes.flatMap((node) => node.outputs)]);
  const lacks = ({ operator: kind, domain, inputs: [name = ''] }: GraphNode): boolean =>
    kind === 'Shape' && domain === '' && variable.has(name) && !made.has(name);
  const replaced = nodes.filter(lacks);
  if (replaced.length === 0) return { kept: nodes, nodes: [], initializers: [] };

  const initializers = [integers(`${PREFIX}first`, [0])];
  const replacing: NodeProto[] = [
    operator('Shape', [input], `${PREFIX}shape`),
    operator('Gather', [`${PREFIX}shape`, `${PREFIX}first`], ROWS),
  ];
  for (const node of replaced) {
    const shape =
      shapes.get(node.inputs[0] ?? '') ??
      cannotTell(
        node,
        `reads the shape of "${node.inputs[0]}" from another stage, and this shape is unknown`,
      );
    const parts = partOf(node, shape).map((dimension, axis): string => {
      const factor = batchFactor(dimension);
      if (factor === 1) return ROWS;
      const name = `${PREFIX}${node.outputs[0]}/${axis}`;
      initializers.push(integers(`${name}/number`, [factor ?? Number(dimension)]));
      if (factor === undefined) return `${name}/number`;
      replacing.push(operator('Mul', [ROWS, `${name}/number`], name));
      return name;
    });
    replacing.push(operator('Concat', parts, node.outputs[0] ?? '', { axis: 0 }));
  }
  return { kept: nodes.filter((node) => !lacks(node)), nodes: replacing, initializers };
}

function partOf({ proto }: GraphNode, shape: readonly Dimension[]): readonly Dimension[] {
  return shape.slice(intAttribute(proto, 'start') ?? 0, intAttribute(proto, 'end') ?? shape.length);
}
