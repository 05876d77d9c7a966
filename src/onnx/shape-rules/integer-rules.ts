// Output shapes of the operators with which exporters compute shapes inside the graph. These rules also determine the
// integer values of the outputs, which may depend on the batch.
import { PackageError } from '../../foundation/errors.js';
import { type TensorProto, TensorProto_DataType } from '../../protobuf/onnx-ml_pb.js';
import {
  constantTensor,
  intAttribute,
  tensorAttribute,
  tensorDimensions,
  tensorIntegers,
} from '../attributes.js';
import { combine, type Dimension } from '../dimensions.js';
import {
  axisAttribute,
  cannotTell,
  input,
  integers,
  numbers,
  type ShapeRule,
  type TensorShape,
} from './rule.js';
import { broadcasting, selecting } from './value-rules.js';

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
    const combined = ([a, b]: readonly Dimension[]) => combine(operator, a as Dimension, b as Dimension);
    return [withIntegers(result, [input(context, 0), input(context, 1)], combined)];
  };
}

/** A tensor filled with one value; integers if the value is one. */
const constantOfShape: ShapeRule = (context) => {
  const { node } = context;
  const shape = integers(context, 0, 'dimensions');
  const stored = tensorAttribute(node.proto, 'value');
  const [value] = (stored && tensorIntegers(stored)) ?? [];
  const [length = 1, ...more] = shape;
  if (value === undefined || more.length > 0 || typeof length === 'string' || length > MOST_VALUES) {
    return [{ shape }];
  }
  return [{ shape, integers: new Array<number>(length).fill(value) }];
};

/** 1 where two integers are equal. A batch has at least one image. */
const equal: ShapeRule = (context) => {
  const [result] = broadcasting(context) as [TensorShape];
  return [withIntegers(result, [input(context, 0), input(context, 1)], isEqual)];
};

function isEqual([a, b]: readonly Dimension[]): number | undefined {
  if (a === b) return 1;
  if (typeof a === 'number' && typeof b === 'number') return 0;
  return [a, b].some((one) => typeof one === 'number' && one < 1) ? 0 : undefined;
}

const where: ShapeRule = (context) => {
  const [result] = selecting(context) as [TensorShape];
  const choose = ([condition, a, b]: readonly Dimension[]) => (condition === 0 ? b : a);
  return [
    withIntegers(
      result,
      [0, 1, 2].map((index) => input(context, index)),
      choose,
    ),
  ];
};

/** Adds the integers of a tensor of at most one axis, if they follow from those of all operands. */
function withIntegers(
  result: TensorShape,
  operands: readonly TensorShape[],
  combined: (values: readonly Dimension[]) => Dimension | undefined,
): TensorShape {
  const [length = 1, ...more] = result.shape;
  if (typeof length === 'string' || more.length > 0) return result;
  const lists = operands.map((operand) => operand.integers);
  if (!lists.every((list) => list !== undefined)) return result;
  const values = Array.from({ length }, (_, i) =>
    combined(lists.map((list) => list[list.length === 1 ? 0 : i] as Dimension)),
  );
  return values.every((value) => value !== undefined) ? { ...result, integers: values } : result;
}

export const integerRules: Readonly<Record<string, ShapeRule>> = {
  Constant: constant,
  Shape: shapeOf,
  Gather: gather,
  Cast: cast,
  ConstantOfShape: constantOfShape,
  Equal: equal,
  Where: where,
  Add: arithmetic('Add'),
  Sub: arithmetic('Sub'),
  Mul: arithmetic('Mul'),
  Div: arithmetic('Div'),
};
