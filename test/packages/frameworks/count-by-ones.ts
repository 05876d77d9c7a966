// Counts multiply-accumulates by running an operator on ones alone: each adds one to some output.
import { intAttribute, intsAttribute } from '../../../src/onnx/attributes.js';
import type { GraphNode } from '../../../src/onnx/graph.js';
import { encodeModel } from '../../../src/onnx/proto.js';
import type { AttributeProto } from '../../../src/protobuf/onnx-ml_pb.js';
import { node as makeNode, modelOf, tensorInfo } from '../../support/packages/onnx-builder.js';
import { runModel } from '../../support/packages/run-model.js';

interface Dimensions {
  readonly inputs: readonly (readonly number[])[];
  readonly output: readonly number[];
}

/** Which inputs of a quantised form are the operands, and the operator on float32 that it stands for. */
const forms: Readonly<Record<string, readonly [operator: string, ...operands: number[]]>> = {
  Conv: ['Conv', 0, 1],
  ConvInteger: ['Conv', 0, 1],
  QLinearConv: ['Conv', 0, 3],
  ConvTranspose: ['ConvTranspose', 0, 1],
  Gemm: ['Gemm', 0, 1],
  MatMul: ['MatMul', 0, 1],
  MatMulInteger: ['MatMul', 0, 1],
  QLinearMatMul: ['MatMul', 0, 3],
  Einsum: ['Einsum', 0, 1],
};

/** Padding is left out: what is computed on it counts. */
const LEFT_OUT = ['pads', 'auto_pad', 'output_padding', 'output_shape', 'alpha', 'beta'];

/** @returns undefined for operators that are no sums of products */
export async function countByOnes(
  node: GraphNode,
  { inputs, output }: Dimensions,
): Promise<number | undefined> {
  const [operator, ...operands] = Object.hasOwn(forms, node.operator) ? (forms[node.operator] ?? ['']) : [''];
  if (operator === '' || inputs.length < operands.length) return undefined;
  const shapes = operands.map((index) => inputs[index] ?? []);
  if (operator === 'Conv') shapes[0] = unpadded(node, shapes as [number[], number[]], output);
  const names = operands.map((_, index) => `operand_${index}`);
  const made = makeNode(operator, names, ['out']);
  made.attribute = node.proto.attribute.filter(({ name }: AttributeProto) => !LEFT_OUT.includes(name));
  const model = encodeModel(
    modelOf({
      nodes: [made],
      inputs: names.map((name, index) => tensorInfo(name, shapes[index] ?? [])),
      outputs: [
        tensorInfo(
          'out',
          output.map((_, axis) => `axis_${axis}`),
        ),
      ],
    }),
  );
  const ones = names.map((name, index) => {
    const dims = shapes[index] ?? [];
    const count = dims.reduce((product, extent) => product * extent, 1);
    return [name, { dims, data: new Float32Array(count).fill(1) }] as const;
  });
  const { out } = await runModel(model, Object.fromEntries(ones));
  return out?.data.reduce((sum, value) => sum + value, 0);
}

/** The shape that gives `output` without padding. */
function unpadded(
  { proto }: GraphNode,
  [image, weights]: [number[], number[]],
  output: readonly number[],
): number[] {
  const kernel = weights.slice(2);
  const strides = intsAttribute(proto, 'strides') ?? [];
  const dilations = intsAttribute(proto, 'dilations') ?? [];
  const spatial = kernel.map(
    (extent, axis) =>
      ((output[axis + 2] ?? 0) - 1) * (strides[axis] ?? 1) + (dilations[axis] ?? 1) * (extent - 1) + 1,
  );
  const channels = (weights[1] ?? 0) * (intAttribute(proto, 'group') ?? 1);
  return [image[0] ?? 1, channels, ...spatial];
}
