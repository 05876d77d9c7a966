// Where a network can be cut: the tensors that every path from the image to some outputs leads through.
import type { Graph } from '../onnx/graph.js';
import { variableTensors } from '../onnx/graph-walk.js';

/** Paths are counted modulo this prime, 2^61 − 1: there are more than any number type holds. */
const MODULUS = 2n ** 61n - 1n;

/**
 * @param targets the logits of an exit and of all behind it.
 * @returns every tensor that all of them are computed from and that nothing leads around, from the image on. Neither the
 *   image nor a target is among them.
 */
export function validCuts(graph: Graph, targets: readonly string[]): string[] {
  const variable = variableTensors(graph);
  const add = (counts: Map<string, bigint>, name: string, more: bigint) =>
    counts.set(name, ((counts.get(name) ?? 0n) + more) % MODULUS);

  /** By tensor: the paths that lead to it. */
  const before = new Map<string, bigint>([...graph.inputs.keys()].map((name) => [name, 1n]));
  for (const { inputs, outputs } of graph.nodes) {
    const paths = inputs.reduce((sum, name) => sum + (before.get(name) ?? 0n), 0n);
    for (const name of outputs) if (variable.has(name)) add(before, name, paths);
  }
  /** By tensor: the paths that lead from it to a target. */
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
