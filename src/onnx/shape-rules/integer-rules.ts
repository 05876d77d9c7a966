// Output shapes of the operators with which exporters compute shapes inside the graph. These rules also determine the
// integer values of the outputs, which may depend on the batch.
import { PackageError } from '../../foundation/errors.js';
import { type TensorProto, TensorProto_DataType } from '../../protobuf/onnx-ml_pb.js';
import { constantTensor, intAttribute, tensorDimensions, tensorIntegers } from '../attributes.js';
import { combine, type Dimension } from '../dimensions.js';
import { axisAttribute, cannotTell, input, numbers, type ShapeRule, type TensorShape } from './rule.js';
import { broadcasting } from './value-rules.js';

/** Maximum length of an integer tensor whose values are determined. Longer tensors are data, not shapes. */
const MOST_VALUES = 64;

/** The shape of a stored tensor, and its values if they may describe a shape. */
export function storedTensor(tensor: TensorProto): TensorShape {
  const shape = tensorDimensions(tensor);
  if (shape.some((dimension) => !Number.isSafeInteger(dimension) || dimension < 0)) {
    throw new PackageError(`model.onnx: tensor "${tensor.name}" has an impossible shape.`);
  }
  const small = shape.length <= 1 && (shape[0] ?? 1) <= MOST_VALUES;
  const values = small ? tensorIntegers(tensor) : undefined;
  return values ? { shape, integers: values } : { shape };
}

const constant: ShapeRule = ({ node }) => [
  storedTensor(constantTensor(node.proto) ?? cannotTell(node, 'does not hold a tensor of numbers')),
];

const shapeOf: ShapeRule = (context) => {
  const { shape } = input(context, 0);
  const start = intAttribute(context.node.proto, 'start') ?? 0;
  const part = shape.slice(start, intAttribute(context.node.proto, 'end') ?? shape.length);
  return [{ shape: [part.length], integers: part }];
};

const gather: ShapeRule = (context) => {
  const { node } = context;
  const data = input(context, 0);
  const { shape } = input(context, 1);
  if (!data.integers || data.shape.length !== 1) {
    const axis = axisAttribute(node, 0, data.shape.length);
    if (typeof data.shape[axis] === 'string') return cannotTell(node, 'selects some images of a batch');
    return [{ shape: [...data.shape.slice(0, axis), ...shape, ...data.shape.slice(axis + 1)] }];
  }
  const indices = numbers(context, 1, 'indices');
  const chosen = indices.map(
    (index) =>
      data.integers?.at(index) ?? cannotTell(node, `selects the entry ${index}, which does not exist`),
  );
  return [{ shape, integers: chosen }];
};

/** A cast between integer types keeps the values. */
const cast: ShapeRule = (context) => {
  const to = intAttribute(context.node.proto, 'to');
  const tensor = input(context, 0);
  return [
    to === TensorProto_DataType.INT64 || to === TensorProto_DataType.INT32 ? tensor : { shape: tensor.shape },
  ];
};

/** Element by element. If the integers of both operands are known, the integers of the result are, too. */
function arithmetic(operator: Parameters<typeof combine>[0]): ShapeRule {
  return (context) => {
    const [result] = broadcasting(context) as [TensorShape];
    const [a, b] = [input(context, 0).integers, input(context, 1).integers];
    if (!a || !b || result.shape.length > 1) return [result];
    const integers = Array.from({ length: Math.max(a.length, b.length) }, (_, i) =>
      combine(operator, a[a.length === 1 ? 0 : i] as Dimension, b[b.length === 1 ? 0 : i] as Dimension),
    );
    return [integers.every((value) => value !== undefined) ? { ...result, integers } : result];
  };
}

export const integerRules: Readonly<Record<string, ShapeRule>> = {
  Constant: constant,
  Shape: shapeOf,
  Gather: gather,
  Cast: cast,
  Add: arithmetic('Add'),
  Sub: arithmetic('Sub'),
  Mul: arithmetic('Mul'),
  Div: arithmetic('Div'),
};
