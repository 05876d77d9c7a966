// Counts the FLOPs of stages and heads per image: 2 × the multiply-accumulates of convolutions, matrix products and
// similar operators. Normalisation, activations, pooling and additions are not counted, as is usual in the literature.

import type { ExitFlops } from '../format/manifest.js';
import { batchFactor, type Dimension, type Shape, type Size, sizeOf } from '../onnx/dimensions.js';
import type { GraphNode } from '../onnx/graph.js';
import { variableTensors, walkBack } from '../onnx/graph-walk.js';
import { cannotTell, refuse } from '../onnx/shape-rules/rule.js';
import { costRule } from './cost-rules.js';
import type { MultiExitGraph } from './multi-exit-graph.js';

/**
 * The costs of each exit, as in the manifest. An operator that a head shares with the stage after its cut counts in
 * both, because both execute it.
 * @throws PackageError if the shapes do not determine the cost of an operator
 */
export function countFlops(network: MultiExitGraph): ExitFlops[] {
  const { graph, exits } = network;
  const variable = variableTensors(graph);
  const between = (target: string, stop: string | undefined): number =>
    walkBack(graph, [target], new Set(stop === undefined ? [] : [stop]), variable)
      .nodes.filter((node) => node.inputs.some((name) => variable.has(name)))
      .reduce((sum, node) => sum + nodeFlops(network, node), 0);

  let cumulative = 0;
  return exits.map((exit, index) => {
    const stage = between(exit.cut ?? exit.logits, exits[index - 1]?.cut);
    const head = exit.cut === undefined ? 0 : between(exit.logits, exit.cut);
    cumulative += stage + head;
    return { stage, head, cumulative };
  });
}

/** FLOPs of one operator for one image. */
export function nodeFlops({ shapes }: Pick<MultiExitGraph, 'shapes'>, node: GraphNode): number {
  const rule = costRule(node);
  if (!rule) return 0;
  const shapeOf = (name: string | undefined): Shape =>
    shapes.get(name ?? '') ??
    cannotTell(node, `has a cost that depends on the shape of "${name}", which is unknown`);
  const products = rule({
    node,
    input: (index) => shapeOf(node.inputs[index]),
    output: () => shapeOf(node.outputs[0]),
  });
  const macs = products.reduce((sum, product) => sum + perImage(node, product), 0);
  if (!Number.isSafeInteger(2 * macs))
    refuse(node, 'has a cost that is not a whole number of FLOPs below 2^53');
  return 2 * macs;
}

function perImage(node: GraphNode, product: readonly Dimension[]): number {
  const size: Size = sizeOf(product);
  if (size.batches > 1) refuse(node, 'mixes the images of a batch');
  return product.reduce<number>((factor, one) => factor * (batchFactor(one) ?? Number(one)), 1);
}
