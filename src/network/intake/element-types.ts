// Element types of tensors: what runtimes call them, and their numbers in ONNX files (TensorProto.DataType).

export const elementTypes: ReadonlyMap<string, number> = new Map([
  ['float32', 1],
  ['uint8', 2],
  ['int8', 3],
  ['uint16', 4],
  ['int16', 5],
  ['int32', 6],
  ['int64', 7],
  ['string', 8],
  ['bool', 9],
  ['float16', 10],
  ['float64', 11],
  ['uint32', 12],
  ['uint64', 13],
  ['bfloat16', 16],
]);

export const FLOAT32 = 1;
export const UINT8 = 2;
export const FLOAT16 = 10;

/** For messages. */
export function typeName(elementType: number): string {
  const [name] = [...elementTypes].find(([, number]) => number === elementType) ?? [`type ${elementType}`];
  return name;
}
