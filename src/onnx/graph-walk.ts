// Walking a graph: what a tensor is computed from, and which tensors depend on the image at all.
// Sizes are no values: what reads only the shape of a tensor does not depend on the image, since all images have the same
// size, and the number of those in a batch is the same in every stage.
import type { Graph, GraphNode } from './graph.js';

export interface Walk {
  /** In order of execution. */
  readonly nodes: readonly GraphNode[];
  /** Tensors that the nodes take and none of them makes: stops, graph inputs, initializers. */
  readonly sources: ReadonlySet<string>;
}

/**
 * Everything that `targets` are computed from, walking backward and not beyond `stops`.
 * @param measured tensors whose shape may be read without their being computed: a Shape of one is walked to, but not
 *   beyond.
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

/** The graph inputs and every tensor computed from the values of one; all others are constants, or sizes. */
export function variableTensors(graph: Graph): ReadonlySet<string> {
  const variable = new Set(graph.inputs.keys());
  for (const node of graph.nodes) {
    if (readsShapeOf(node, variable) || !node.inputs.some((name) => variable.has(name))) continue;
    for (const output of node.outputs) if (output !== '') variable.add(output);
  }
  return variable;
}

/** Whether a node gives the shape of one of these tensors. */
export function readsShapeOf(node: GraphNode, tensors: ReadonlySet<string>): boolean {
  return node.operator === 'Shape' && node.domain === '' && tensors.has(node.inputs[0] ?? '');
}
