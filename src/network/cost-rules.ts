// How many multiply-accumulates an operator takes, from the shapes of its inputs and its output: one rule for each that
// counts. Operators of onnxruntime's own are among them, since its optimised files hold those. Neighbour: flops.ts.
import { intAttribute, stringAttribute } from '../onnx/attributes.js';
import type { Dimension, Shape } from '../onnx/dimensions.js';
import type { GraphNode } from '../onnx/graph.js';
import { cannotTell } from '../onnx/shape-rules/rule.js';

interface CostContext {
  readonly node: GraphNode;
  input(index: number): Shape;
  output(): Shape;
}

/** @returns products of dimensions; their sum is the number of multiply-accumulates of a whole batch. */
type CostRule = (context: CostContext) => (readonly Dimension[])[];

/** Every output value sums over the weights of one filter: [filters, channels of a group, …kernel]. */
function convolution(weights: number): CostRule {
  return ({ input, output }) => [[...output(), ...input(weights).slice(1)]];
}

/** Every input value meets the weights of its channel: [channels, filters of a group, …kernel]. */
const transposedConvolution: CostRule = ({ input }) => [[...input(0), ...input(1).slice(1)]];

/** Every output value sums over the columns of the first operand, or over its rows if that is transposed. */
function product(transposed: string, axis: -2 | 0): CostRule {
  return ({ node, input, output }) => {
    const first = input(0);
    const depth = first.at(intAttribute(node.proto, transposed) ? axis : -1);
    return [[...output(), depth ?? cannotTell(node, 'multiplies numbers')]];
  };
}

/** Every combination of the indices is one product for each operand but the first. */
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

/** softmax(Q·Kᵀ)·V, of [batch, heads, length, depth] or [batch, length, heads × depth]. */
const attention: CostRule = ({ node, input }) => {
  const [queries, keys, values] = [input(0), input(1), input(2)];
  const [length, keyLength] = [keys.at(-2), values.at(-2)];
  if (length === undefined || keyLength === undefined) return cannotTell(node, 'takes no sequences');
  const valueDepth = queries.length === 4 ? values.at(-1) : queries.at(-1);
  return [
    [...queries, length],
    [...queries.slice(0, -1), valueDepth ?? 1, keyLength],
  ];
};

/** onnxruntime's: the projections of all three by one matrix, and then as above. */
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

/** Every step multiplies with both matrices of all gates. */
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
  Attention: attention,
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
  MultiHeadAttention: attention,
};

/** undefined: the operator counts as nothing. */
export function costRule({ domain, operator }: GraphNode): CostRule | undefined {
  const rules = domain === '' ? onnx : domain === 'com.microsoft' ? onnxruntime : {};
  return Object.hasOwn(rules, operator) ? rules[operator] : undefined;
}
