// Finds where a network can be cut: the tensors that lie on every path from the image to given outputs.
import type { Graph } from '../onnx/graph.js';
import { variableTensors } from '../onnx/graph-walk.js';

/** The number of paths grows exponentially with the depth, so paths are counted modulo this prime, 2^61 − 1. */
const MODULUS = 2n ** 61n - 1n;

/**
 * @param targets the logits of an exit and of all later exits
 * @returns every tensor that lies on all paths from the image to the targets, in order of execution. The image and the
 *   targets are not included.
 */
export function validCuts(graph: Graph, targets: readonly string[]): string[] {
  const variable = variableTensors(graph);
  const add = (counts: Map<string, bigint>, name: string, more: bigint) =>
    counts.set(name, ((counts.get(name) ?? 0n) + more) % MODULUS);

  /** By tensor: number of paths that lead to it. */
  const before = new Map<string, bigint>([...graph.inputs.keys()].map((name) => [name, 1n]));
  for (const { inputs, outputs } of graph.nodes) {
    const paths = inputs.reduce((sum, name) => sum + (before.get(name) ?? 0n), 0n);
    for (const name of outputs) if (variable.has(name)) add(before, name, paths);
  }
  /** By tensor: number of paths that lead from it to a target. */
  const behind = new Map<string, bigint>(targets.map((name) => [name, 1n]));
  for (const { inputs, outputs } of graph.nodes.toReversed()) {
    const paths = outputs.reduce(
      (sum, name) => sum + (variable.has(name) ? (behind.get(name) ?? 0n) : 0n),
      0n,
    );
    if (paths > 0n) for (const name of inputs) if (variable.has(name)) add(behind, name, paths);
  }
  const all = targets.reduce((sum, name) => sum + (before.get(name) ?? 0n), 0n) % MODULUS;
  return graph.nodes
    .flatMap(({ outputs }) => outputs)
    .filter((name) => variable.has(name) && !targets.includes(name) && behind.has(name))
    .filter((name) => ((before.get(name) ?? 0n) * (behind.get(name) ?? 0n)) % MODULUS === all);
}
