// Counts what stages and heads cost: 2 × multiply-accumulates of convolutions and matrix products, per image.
// Normalisation, activations, pooling and additions are not counted, as is the custom in the literature.

import type { ExitFlops } from '../format/manifest.js';
import { intAttribute } from '../onnx/attributes.js';
import { BATCH, sizeOf } from '../onnx/dimensions.js';
import type { GraphNode } from '../onnx/graph.js';
import { variableTensors, walkBack } from '../onnx/graph-walk.js';
import { refuse } from '../onnx/shape-rules/rule.js';
import type { MultiExitGraph } from './multi-exit-graph.js';

/** ONNX operators that multiply and accumulate too, but whose cost is not counted here. */
const uncounted: ReadonlySet<string> = new Set([
  'Attention',
  'ConvInteger',
  'ConvTranspose',
  'DeformConv',
  'Einsum',
  'GRU',
  'LSTM',
  'MatMulInteger',
  'QLinearConv',
  'QLinearMatMul',
  'RNN',
]);

/**
 * The costs of each exit as the manifest states them. An operator that a head shares with the stage behind its cut
 * counts in both: that is how often it is executed.
 * @throws PackageError if an operator's cost is not known.
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
export function nodeFlops({ shapes }: MultiExitGraph, node: GraphNode): number {
  if (node.domain !== '' || uncounted.has(node.operator))
    refuse(node, 'has a cost that rdi-serve cannot count');
  if (!['Conv', 'Gemm', 'MatMul'].includes(node.operator)) return 0;

  const [first = [], second = []] = node.inputs.map((name) => shapes.get(name));
  const output = sizeOf(shapes.get(node.outputs[0] ?? '') ?? []);
  if (output.batches > 1) refuse(node, 'mixes the images of a batch');
  const flops = 2 * output.factor * depthOf(node, first, second);
  if (!Number.isSafeInteger(flops)) refuse(node, 'has an impossible cost');
  return flops;
}

/** Multiply-accumulates behind each output value. */
function depthOf(node: GraphNode, first: readonly unknown[], second: readonly unknown[]): number {
  const summed =
    node.operator === 'Conv'
      ? second.slice(1)
      : [node.operator === 'Gemm' && intAttribute(node.proto, 'transA') ? first[0] : first.at(-1)];
  return summed.reduce<number>((product, extent) => product * (extent === BATCH ? 1 : Number(extent)), 1);
}
