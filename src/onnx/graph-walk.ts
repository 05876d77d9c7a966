// Walks a graph: finds what a tensor is computed from, and which tensors depend on the image.
// A node that reads only the shape of a tensor does not depend on the image: all images have the same size, and the
// batch size is the same in every stage.
import type { Graph, GraphNode } from './graph.js';

export interface Walk {
  /** In order of execution. */
  readonly nodes: readonly GraphNode[];
  /** Inputs of the nodes that none of the nodes computes: stops, graph inputs and initializers. */
  readonly sources: ReadonlySet<string>;
}

/**
 * Everything that `targets` are computed from. The walk goes backwards and ends at `stops`.
 * @param measured tensors whose shape is available without computing them: the walk ends at a Shape node that reads one
 */
export function walkBack(
  graph: Graph,
  targets: readonly string[],
  stops: ReadonlySet<string> = new Set(),
  measured: ReadonlySet<string> = new Set(),
): Walk {
  const nodes = new Set<GraphNode>();
  const seen = new Set<string>();
  const sources = new Set<string>();
  const pending = [...targets];
  for (let tensor = pending.pop(); tensor !== undefined; tensor = pending.pop()) {
    if (tensor === '' || seen.has(tensor)) continue;
    seen.add(tensor);
    const producer = stops.has(tensor) ? undefined : graph.producers.get(tensor);
    if (!producer) {
      sources.add(tensor);
    } else if (!nodes.has(producer)) {
      nodes.add(producer);
      if (!readsShapeOf(producer, measured)) pending.push(...producer.inputs);
    }
  }
  return { nodes: graph.nodes.filter((node) => nodes.has(node)), sources };
}

/** The graph inputs and all tensors that are computed from their values. The other tensors are constants or sizes. */
export function variableTensors(graph: Graph): ReadonlySet<string> {
  const variable = new Set(graph.inputs.keys());
  for (const node of graph.nodes) {
    if (readsShapeOf(node, variable) || !node.inputs.some((name) => variable.has(name))) continue;
    for (const output of node.outputs) if (output !== '') variable.add(output);
  }
  return variable;
}

/** Whether the node is a Shape that reads one of these tensors. */
export function readsShapeOf(node: GraphNode, tensors: ReadonlySet<string>): boolean {
  return node.operator === 'Shape' && node.domain === '' && tensors.has(node.inputs[0] ?? '');
}
