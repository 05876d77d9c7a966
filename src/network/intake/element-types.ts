// Element types of tensors: their names in runtimes, and their numbers in ONNX files.
import { TensorProto_DataType as types } from '../../protobuf/onnx-ml_pb.js';

export const elementTypes: ReadonlyMap<string, number> = new Map([
  ['float32', types.FLOAT],
  ['uint8', types.UINT8],
  ['int8', types.INT8],
  ['uint16', types.UINT16],
  ['int16', types.INT16],
  ['int32', types.INT32],
  ['int64', types.INT64],
  ['string', types.STRING],
  ['bool', types.BOOL],
  ['float16', types.FLOAT16],
  ['float64', types.DOUBLE],
  ['uint32', types.UINT32],
  ['uint64', types.UINT64],
  ['bfloat16', types.BFLOAT16],
]);

export const FLOAT32: number = types.FLOAT;
export const UINT8: number = types.UINT8;
export const FLOAT16: number = types.FLOAT16;
export const FLOAT64: number = types.DOUBLE;
export const BFLOAT16: number = types.BFLOAT16;

/** The name of a type, for messages. */
export function typeName(elementType: number): string {
  const [name] = [...elementTypes].find(([, number]) => number === elementType) ?? [`type ${elementType}`];
  return name;
}
