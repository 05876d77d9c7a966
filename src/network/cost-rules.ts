// The number of multiply-accumulates of an operator, computed from the shapes of its inputs and output. Each operator
// that counts has a rule. onnxruntime's own operators have rules, too, because files that it has optimised contain
// them. The counts are used by flops.ts.
import { intAttribute, stringAttribute } from '../onnx/attributes.js';
import type { Dimension, Shape } from '../onnx/dimensions.js';
import type { GraphNode } from '../onnx/graph.js';
import { cannotTell } from '../onnx/shape-rules/rule.js';

interface CostContext {
  readonly node: GraphNode;
  input(index: number): Shape;
  output(): Shape;
}

/** @returns lists of dimensions; the sum of the lists' products is the number of multiply-accumulates of a batch */
type CostRule = (context: CostContext) => (readonly Dimension[])[];

/** Each output value is a sum over the weights of one filter. Weights: [filters, channels per group, …kernel]. */
function convolution(weights: number): CostRule {
  return ({ input, output }) => [[...output(), ...input(weights).slice(1)]];
}

/** Each input value is multiplied by the weights of its channel. Weights: [channels, filters per group, …kernel]. */
const transposedConvolution: CostRule = ({ input }) => [[...input(0), ...input(1).slice(1)]];

/** Each output value is a sum over the columns of the first operand, or over its rows if it is transposed. */
function product(transposed: string, axis: -2 | 0): CostRule {
  return ({ node, input, output }) => {
    const first = input(0);
    const depth = first.at(intAttribute(node.proto, transposed) ? axis : -1);
    return [[...output(), depth ?? cannotTell(node, 'multiplies a scalar, not a matrix')]];
  };
}

/** Each combination of index values takes one multiplication for each operand after the first. */
const einsum: CostRule = ({ node, input, output }) => {
  const equation = (stringAttribute(node.proto, 'equation') ?? '').replaceAll(' ', '');
  const [operands = []] = equation.split('->', 1).map((left) => left.split(','));
  if (operands.length < 2) return [];
  const extents = new Map<string, Dimension>();
  let unnamed: Shape = [];
  operands.forEach((indices, operand) => {
    const shape = input(operand);
    const [before = '', after = ''] = indices.split('...');
    for (const [axis, index] of [...before].entries()) extents.set(index, shape[axis] ?? 1);
    const rest = shape.length - after.length;
    for (const [axis, index] of [...after].entries()) extents.set(index, shape[rest + axis] ?? 1);
    const between = shape.slice(before.length, shape.length - after.length);
    if (indices.includes('...') && between.length > unnamed.length) unnamed = between;
  });
  if (output().length === 0) return [];
  return operands.slice(1).map(() => [...extents.values(), ...unnamed]);
};

/**
 * softmax(Q·Kᵀ)·V. Inputs: [batch, heads, length, depth] or [batch, length, heads × depth].
 * @param past index of the input with cached keys, which come before the others
 */
function attention(past: number): CostRule {
  return ({ node, input, output }) => {
    const [queries, keys] = [input(0), input(1)];
    const cached = node.inputs[past] ? input(past).at(-2) : 0;
    const length = keys.at(-2);
    if (typeof length !== 'number' || typeof cached !== 'number')
      return cannotTell(node, 'takes no sequences');
    return [
      [...queries, cached + length],
      [...output(), cached + length],
    ];
  };
}

/** Attention of onnxruntime: one matrix projects queries, keys and values; the rest is as in `attention`. */
const projectedAttention: CostRule = ({ node, input, output }) => {
  const [images, weights, given] = [input(0), input(1), output()];
  const [length, columns, depth] = [images[1], weights[1], given.at(-1)];
  if (length === undefined || columns === undefined || depth === undefined) {
    return cannotTell(node, 'takes no sequences');
  }
  return [
    [...images, columns],
    [...given, length],
    [...given, length],
  ];
};

/** Each time step multiplies by two weight matrices, which contain all gates. */
const recurrent: CostRule = ({ input }) => {
  const steps = input(0).slice(0, -1);
  return [
    [...steps, ...input(1)],
    [...steps, ...input(2)],
  ];
};

const onnx: Readonly<Record<string, CostRule>> = {
  Conv: convolution(1),
  ConvInteger: convolution(1),
  DeformConv: convolution(1),
  QLinearConv: convolution(3),
  ConvTranspose: transposedConvolution,
  Gemm: product('transA', 0),
  MatMul: product('', -2),
  MatMulInteger: product('', -2),
  QLinearMatMul: product('', -2),
  Einsum: einsum,
  Attention: attention(4),
  GRU: recurrent,
  LSTM: recurrent,
  RNN: recurrent,
};

const onnxruntime: Readonly<Record<string, CostRule>> = {
  FusedConv: convolution(1),
  NhwcFusedConv: convolution(1),
  QLinearConv: convolution(3),
  FusedGemm: product('transA', 0),
  QGemm: product('transA', 0),
  FusedMatMul: product('transA', -2),
  DynamicQuantizeMatMul: product('', -2),
  MatMulIntegerToFloat: product('', -2),
  MatMulNBits: product('', -2),
  Attention: projectedAttention,
  MultiHeadAttention: attention(6),
};

/** @returns undefined if the operator is not counted */
export function costRule({ domain, operator }: GraphNode): CostRule | undefined {
  const rules = domain === '' ? onnx : domain === 'com.microsoft' ? onnxruntime : {};
  return Object.hasOwn(rules, operator) ? rules[operator] : undefined;
}
