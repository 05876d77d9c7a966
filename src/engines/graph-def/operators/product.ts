// Matrix products: of rows with weights, and of two tensors of the image with each other.
import { floatAttribute, intAttribute } from '../../../onnx/attributes.js';
import {
  type Constant,
  extentOf,
  fromOnnxOrder,
  inOnnxOrder,
  type OperatorContext,
  type OperatorRule,
  optionalVector,
  permuted,
  refuse,
  reshaped,
  sizesOf,
  weights,
} from './rule.js';

const gemm: OperatorRule = (context) => {
  const { node } = context;
  if (intAttribute(node.proto, 'transA')) refuse(node, 'transposes the images');
  const alpha = floatAttribute(node.proto, 'alpha') ?? 1;
  const beta = floatAttribute(node.proto, 'beta') ?? 1;
  const matrix = weights(context, 1);
  const product = multiply(
    context,
    { ...matrix, values: matrix.values.map((weight) => alpha * weight) },
    intAttribute(node.proto, 'transB') === 1,
  );
  const columns = extentOf(node, context.shape, 1);
  const bias = optionalVector(context, 2, columns);
  if (!bias) return product;
  const scaled = context.build.floats(
    bias.map((weight) => beta * weight),
    [columns],
  );
  return context.build.add('BiasAdd', [product, scaled]);
};

const matrixProduct: OperatorRule = (context) =>
  context.constant(0) || context.constant(1)
    ? multiply(context, weights(context, 1), false)
    : multiplyEach(context);

/** Of rows: whatever axes come before the last are taken as more rows. */
function multiply(context: OperatorContext, matrix: Constant, isTransposed: boolean): string {
  const { node, build, shape: outputShape } = context;
  const input = context.value(0);
  if (matrix.shape.length !== 2) refuse(node, 'is no product of rows with a matrix');
  const { values, shape } = isTransposed ? permuted(matrix, [1, 0]) : matrix;
  const weight = build.floats(values, shape);
  if (input.shape.length === 2) return build.add('MatMul', [input.node, weight]);
  const depth = extentOf(node, input.shape, input.shape.length - 1);
  const rows = reshaped(build, inOnnxOrder(context, input), [-1, depth]);
  const product = build.add('MatMul', [rows, weight]);
  return fromOnnxOrder(context, reshaped(build, product, sizesOf(outputShape)));
}

/** Of two tensors of the image, as in attention: one product of matrices for each entry of the axes before them. */
function multiplyEach(context: OperatorContext): string {
  const { node, build, shape } = context;
  const [a, b] = [context.value(0), context.value(1)];
  const isAlike =
    a.shape.length === b.shape.length &&
    a.shape.slice(0, -2).every((extent, axis) => extent === b.shape[axis]) &&
    a.shape.slice(0, -2).some((extent) => typeof extent === 'string');
  if (!isAlike) refuse(node, 'multiplies tensors whose leading axes differ');
  const [left, right] = [a, b].map((value) => {
    const matrix = [-2, -1].map((axis) => extentOf(node, value.shape, value.shape.length + axis));
    const ordered = inOnnxOrder(context, value);
    return value.shape.length === 3 ? ordered : reshaped(build, ordered, [-1, ...matrix]);
  }) as [string, string];
  const product = build.add('BatchMatMulV2', [left, right], { adj_x: false, adj_y: false });
  return shape.length === 3 ? product : fromOnnxOrder(context, reshaped(build, product, sizesOf(shape)));
}

export const productRules: Readonly<Record<string, OperatorRule>> = { Gemm: gemm, MatMul: matrixProduct };
