// Typed access to the attributes of a node, and to the values of stored tensors.
import { create, isFieldSet } from '@bufbuild/protobuf';
import { PackageError } from '../foundation/errors.js';
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type NodeProto,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
} from '../protobuf/onnx-ml_pb.js';

/** @returns the attribute `name` if its `field` is set; an empty list counts as not set */
function attribute(
  node: NodeProto,
  name: string,
  field: keyof typeof AttributeProtoSchema.field,
): AttributeProto | undefined {
  const found = named(node, name);
  return found && isFieldSet(found, AttributeProtoSchema.field[field]) ? found : undefined;
}

/** As `attribute`, for numbers. Proto3 does not write zeros, so an attribute that has only its type has the value 0. */
function numberAttribute(
  node: NodeProto,
  name: string,
  field: 'i' | 'f',
  type: AttributeProto_AttributeType,
): AttributeProto | undefined {
  const found = named(node, name);
  return attribute(node, name, field) ?? (found?.type === type ? found : undefined);
}

function named(node: NodeProto, name: string): AttributeProto | undefined {
  return node.attribute.find((one) => one.name === name);
}

export function intAttribute(node: NodeProto, name: string): number | undefined {
  const value = numberAttribute(node, name, 'i', AttributeProto_AttributeType.INT)?.i;
  return value === undefined ? undefined : Number(value);
}

export function intsAttribute(node: NodeProto, name: string): number[] | undefined {
  return attribute(node, name, 'ints')?.ints.map(Number);
}

export function floatAttribute(node: NodeProto, name: string): number | undefined {
  return numberAttribute(node, name, 'f', AttributeProto_AttributeType.FLOAT)?.f;
}

export function stringAttribute(node: NodeProto, name: string): string | undefined {
  const value = attribute(node, name, 's')?.s;
  return value === undefined ? undefined : Buffer.from(value).toString('utf8');
}

export function tensorAttribute(node: NodeProto, name: string): TensorProto | undefined {
  return attribute(node, name, 't')?.t;
}

/** The value of a Constant node, from any of its attributes; undefined if the value is not a tensor of numbers. */
export function constantTensor(node: NodeProto): TensorProto | undefined {
  const stored = attribute(node, 'value', 't')?.t;
  if (stored) return stored;
  const int = intAttribute(node, 'value_int');
  if (int !== undefined) return integers([BigInt(int)], []);
  const ints = attribute(node, 'value_ints', 'ints')?.ints;
  if (ints) return integers(ints, [ints.length]);
  const float = floatAttribute(node, 'value_float');
  if (float !== undefined) return floats([float], []);
  const row = attribute(node, 'value_floats', 'floats')?.floats;
  return row && floats(row, [row.length]);
}

function integers(int64Data: bigint[], dims: readonly number[]): TensorProto {
  const dataType = TensorProto_DataType.INT64;
  return create(TensorProtoSchema, { dims: dims.map(BigInt), dataType, int64Data });
}

function floats(floatData: number[], dims: readonly number[]): TensorProto {
  const dataType = TensorProto_DataType.FLOAT;
  return create(TensorProtoSchema, { dims: dims.map(BigInt), dataType, floatData });
}

export function tensorDimensions(tensor: TensorProto): number[] {
  return tensor.dims.map(Number);
}

/** The values of an int32 or int64 tensor, otherwise undefined. @throws PackageError if their number is wrong */
export function tensorIntegers(tensor: TensorProto): number[] | undefined {
  const values = storedIntegers(tensor);
  if (values) checkCount(tensor, values.length);
  return values;
}

/** The values of a bool tensor as 0 and 1, otherwise undefined. @throws PackageError if their number is wrong */
export function tensorBooleans(tensor: TensorProto): number[] | undefined {
  if (tensor.dataType !== TensorProto_DataType.BOOL) return undefined;
  const values = tensor.rawData.length === 0 ? tensor.int32Data : tensor.rawData;
  checkCount(tensor, values.length);
  return Array.from(values, (value) => (value === 0 ? 0 : 1));
}

/** The values of a float32 tensor, otherwise undefined. @throws PackageError if their number is wrong */
export function tensorFloats(tensor: TensorProto): Float32Array | undefined {
  if (tensor.dataType !== TensorProto_DataType.FLOAT) return undefined;
  const raw = tensor.rawData;
  const values =
    raw.length === 0
      ? Float32Array.from(tensor.floatData)
      : new Float32Array(Uint8Array.from(raw).buffer, 0, Math.floor(raw.length / 4));
  checkCount(tensor, values.length);
  return values;
}

function checkCount(tensor: TensorProto, count: number): void {
  const expected = tensorDimensions(tensor).reduce((product, dimension) => product * dimension, 1);
  if (count === expected) return;
  throw new PackageError(
    `model.onnx: tensor "${tensor.name}" has ${count} values, but its shape needs ${expected}; export the model again.`,
  );
}

function storedIntegers(tensor: TensorProto): number[] | undefined {
  const wide = tensor.dataType === TensorProto_DataType.INT64;
  if (!wide && tensor.dataType !== TensorProto_DataType.INT32) return undefined;
  const raw = tensor.rawData;
  if (raw.length === 0) return wide ? tensor.int64Data.map(Number) : [...tensor.int32Data];
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  return Array.from({ length: Math.floor(raw.length / (wide ? 8 : 4)) }, (_, i) =>
    wide ? Number(view.getBigInt64(i * 8, true)) : view.getInt32(i * 4, true),
  );
}
