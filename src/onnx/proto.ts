// ONNX files as plain objects: the parts of the format that this program looks at, and reading and writing them.
// What is not declared here but in onnx-descriptor.ts survives a round trip unseen.
import { messageOf, PackageError } from '../foundation/errors.js';
import { modelType } from './descriptor.js';

/** A 64-bit integer as protobufjs reads it, and as it may be written. */
export type Int64 = number | { readonly low: number; readonly high: number };

export function toNumber(value: Int64): number {
  return typeof value === 'number' ? value : value.high * 2 ** 32 + (value.low >>> 0);
}

/** TensorProto.DataType */
export const dataTypes = { float: 1, int32: 6, int64: 7, bool: 9 } as const;

/** AttributeProto.AttributeType */
export const attributeTypes = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7 } as const;

export interface TensorProto {
  name?: string;
  dims?: Int64[];
  data_type?: number;
  float_data?: number[];
  int32_data?: number[];
  int64_data?: Int64[];
  raw_data?: Uint8Array;
  external_data?: object[];
  data_location?: number;
}

export interface AttributeProto {
  name?: string;
  type?: number;
  f?: number;
  i?: Int64;
  s?: Uint8Array;
  t?: TensorProto | null;
  g?: object | null;
  floats?: number[];
  ints?: Int64[];
  tensors?: TensorProto[];
  graphs?: object[];
  sparse_tensor?: object | null;
  sparse_tensors?: object[];
}

export interface NodeProto {
  name?: string;
  op_type?: string;
  domain?: string;
  input?: string[];
  output?: string[];
  attribute?: AttributeProto[];
  doc_string?: string;
  metadata_props?: object[];
}

export interface ValueInfoProto {
  name?: string;
  type?: {
    tensor_type?: {
      elem_type?: number;
      shape?: { dim?: { dim_value?: Int64; dim_param?: string }[] } | null;
    } | null;
  } | null;
}

export interface GraphProto {
  name?: string;
  node?: NodeProto[];
  initializer?: TensorProto[];
  sparse_initializer?: object[];
  input?: ValueInfoProto[];
  output?: ValueInfoProto[];
  value_info?: ValueInfoProto[];
}

export interface OperatorSetIdProto {
  domain?: string;
  version?: Int64;
}

export interface ModelProto {
  ir_version?: Int64;
  producer_name?: string;
  producer_version?: string;
  opset_import?: OperatorSetIdProto[];
  functions?: { node?: NodeProto[]; attribute_proto?: AttributeProto[] }[];
  graph?: GraphProto | null;
}

/** Bytes of the model; tensors' raw data is not copied. @throws PackageError if they are no protobuf of an ONNX model. */
export function decodeModel(bytes: Uint8Array): ModelProto {
  try {
    return modelType.decode(bytes) as ModelProto;
  } catch (error) {
    throw new PackageError(`model.onnx is not an ONNX model: ${messageOf(error)}.`, { cause: error });
  }
}

export function encodeModel(model: ModelProto): Uint8Array {
  return modelType.encode(model).finish();
}
