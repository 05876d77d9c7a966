// Walking a graph: what a tensor is computed from, and which tensors depend on the image at all.
import type { Graph, GraphNode } from './graph.js';

export interface Walk {
  /** In order of execution. */
  readonly nodes: readonly GraphNode[];
  /** Tensors that the nodes take and none of them makes: stops, graph inputs, initializers. */
  readonly sources: ReadonlySet<string>;
}

/** Everything that `targets` are computed from, walking backward and not beyond `stops`. */
export function walkBack(
  graph: Graph,
  targets: readonly string[],
  stops: ReadonlySet<string> = new Set(),
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
      pending.push(...producer.inputs);
    }
  }
  return { nodes: graph.nodes.filter((node) => nodes.has(node)), sources };
}

/** The graph inputs and every tensor computed from one; all others are constants. */
export function variableTensors(graph: Graph): ReadonlySet<string> {
  const variable = new Set(graph.inputs.keys());
  for (const node of graph.nodes) {
    if (!node.inputs.some((name) => variable.has(name))) continue;
    for (const output of node.outputs) if (output !== '') variable.add(output);
  }
  return variable;
}
