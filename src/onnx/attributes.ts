// Typed access to what a node carries besides tensors' names: its attributes, and integers stored as tensors.
import { PackageError } from '../foundation/errors.js';
import {
  type AttributeProto,
  attributeTypes,
  dataTypes,
  type NodeProto,
  type TensorProto,
  toNumber,
} from './proto.js';

function attribute(node: NodeProto, name: string, field: keyof AttributeProto): AttributeProto | undefined {
  const found = named(node, name);
  return found && Object.hasOwn(found, field) ? found : undefined;
}

/** A number, which is zero where only its type is written: proto3 leaves zeros out. */
function numberAttribute(
  node: NodeProto,
  name: string,
  field: 'i' | 'f',
  type: number,
): AttributeProto | undefined {
  return attribute(node, name, field) ?? (named(node, name)?.type === type ? { [field]: 0 } : undefined);
}

function named(node: NodeProto, name: string): AttributeProto | undefined {
  return node.attribute?.find((one) => one.name === name);
}

export function intAttribute(node: NodeProto, name: string): number | undefined {
  const value = numberAttribute(node, name, 'i', attributeTypes.int)?.i;
  return value === undefined ? undefined : toNumber(value);
}

export function intsAttribute(node: NodeProto, name: string): number[] | undefined {
  return attribute(node, name, 'ints')?.ints?.map(toNumber);
}

export function floatAttribute(node: NodeProto, name: string): number | undefined {
  return numberAttribute(node, name, 'f', attributeTypes.float)?.f;
}

export function stringAttribute(node: NodeProto, name: string): string | undefined {
  const value = attribute(node, name, 's')?.s;
  return value === undefined ? undefined : Buffer.from(value).toString('utf8');
}

/** What a Constant holds, in whichever attribute it keeps that; undefined if it is no tensor of numbers. */
export function constantTensor(node: NodeProto): TensorProto | undefined {
  const stored = attribute(node, 'value', 't')?.t;
  if (stored) return stored;
  const int = intAttribute(node, 'value_int');
  if (int !== undefined) return { dims: [], data_type: dataTypes.int64, int64_data: [int] };
  const ints = intsAttribute(node, 'value_ints');
  if (ints) return { dims: [ints.length], data_type: dataTypes.int64, int64_data: ints };
  const float = floatAttribute(node, 'value_float');
  if (float !== undefined) return { dims: [], data_type: dataTypes.float, float_data: [float] };
  const floats = attribute(node, 'value_floats', 'floats')?.floats;
  return floats && { dims: [floats.length], data_type: dataTypes.float, float_data: floats };
}

export function tensorDimensions(tensor: TensorProto): number[] {
  return (tensor.dims ?? []).map(toNumber);
}

/** The values of an int32 or int64 tensor; undefined for any other type. @throws PackageError if some are missing. */
export function tensorIntegers(tensor: TensorProto): number[] | undefined {
  const values = storedIntegers(tensor);
  if (values) checkCount(tensor, values.length);
  return values;
}

/** The values of a float32 tensor; undefined for any other type. @throws PackageError if some are missing. */
export function tensorFloats(tensor: TensorProto): Float32Array | undefined {
  if (tensor.data_type !== dataTypes.float) return undefined;
  const raw = tensor.raw_data ?? new Uint8Array();
  const values =
    raw.length === 0
      ? Float32Array.from(tensor.float_data ?? [])
      : new Float32Array(Uint8Array.from(raw).buffer, 0, Math.floor(raw.length / 4));
  checkCount(tensor, values.length);
  return values;
}

function checkCount(tensor: TensorProto, count: number): void {
  const expected = tensorDimensions(tensor).reduce((product, dimension) => product * dimension, 1);
  if (count === expected) return;
  throw new PackageError(
    `model.onnx: tensor "${tensor.name ?? ''}" does not hold as many values as it says.`,
  );
}

function storedIntegers(tensor: TensorProto): number[] | undefined {
  const wide = tensor.data_type === dataTypes.int64;
  if (!wide && tensor.data_type !== dataTypes.int32) return undefined;
  const raw = tensor.raw_data ?? new Uint8Array();
  if (raw.length === 0)
    return wide ? (tensor.int64_data ?? []).map(toNumber) : [...(tensor.int32_data ?? [])];
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  return Array.from({ length: Math.floor(raw.length / (wide ? 8 : 4)) }, (_, i) =>
    wide ? Number(view.getBigInt64(i * 8, true)) : view.getInt32(i * 4, true),
  );
}
