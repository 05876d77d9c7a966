// Operators with which exporters compute shapes inside the graph: their integer values are followed, batch included.
import { PackageError } from '../../foundation/errors.js';
import { type TensorProto, TensorProto_DataType } from '../../protobuf/onnx-ml_pb.js';
import { constantTensor, intAttribute, tensorDimensions, tensorIntegers } from '../attributes.js';
import { input, numbers, refuse, type ShapeRule, type TensorShape } from './rule.js';

/** Longest integer tensor that is followed: longer ones are data, not shapes. */
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
  storedTensor(constantTensor(node.proto) ?? refuse(node, 'is no tensor of numbers')),
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
  const indices = numbers(context, 1, 'indices');
  if (!data.integers || data.shape.length !== 1) return refuse(node, 'takes parts of a tensor of values');
  const chosen = indices.map((index) => data.integers?.at(index) ?? refuse(node, `has no entry ${index}`));
  return [{ shape, integers: chosen }];
};

/** Between integers only the values matter; any other cast must lead to float32, what the service computes in. */
const cast: ShapeRule = (context) => {
  const { node } = context;
  const to = intAttribute(node.proto, 'to');
  const tensor = input(context, 0);
  if (to === TensorProto_DataType.INT64 || to === TensorProto_DataType.INT32) return [tensor];
  if (to === TensorProto_DataType.FLOAT) return [{ shape: tensor.shape }];
  return refuse(node, 'converts to a type other than float32');
};

export const integerRules: Readonly<Record<string, ShapeRule>> = {
  Constant: constant,
  Shape: shapeOf,
  Gather: gather,
  Cast: cast,
};
