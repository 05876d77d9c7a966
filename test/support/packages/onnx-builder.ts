// Small pieces for writing ONNX models by hand in tests.
import { create } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from '../../../src/protobuf/onnx-ml_pb.js';

/** Numbers become integers; `{ float }` one float, `{ floats }` a list of them. */
export type AttributeValue =
  | number
  | readonly number[]
  | string
  | { float: number }
  | { floats: number[] }
  | { tensor: TensorProto };

export function node(
  operator: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
): NodeProto {
  return create(NodeProtoSchema, {
    name: `make_${outputs[0]}`,
    opType: operator,
    input: [...inputs],
    output: [...outputs],
    attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  });
}

function attribute(name: string, value: AttributeValue): AttributeProto {
  return create(AttributeProtoSchema, { name, ...typedValue(value) });
}

function typedValue(value: AttributeValue) {
  const types = AttributeProto_AttributeType;
  if (typeof value === 'number') return { type: types.INT, i: BigInt(value) };
  if (typeof value === 'string') return { type: types.STRING, s: Buffer.from(value) };
  if ('float' in value) return { type: types.FLOAT, f: value.float };
  if ('floats' in value) return { type: types.FLOATS, floats: value.floats };
  if ('tensor' in value) return { type: types.TENSOR, t: value.tensor };
  return { type: types.INTS, ints: value.map(BigInt) };
}

export function floatTensor(name: string, dims: readonly number[], values: Iterable<number>): TensorProto {
  const data = Float32Array.from(values);
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: TensorProto_DataType.FLOAT,
    rawData: new Uint8Array(data.buffer),
  });
}

export function intTensor(name: string, values: readonly number[], dims = [values.length]): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: TensorProto_DataType.INT64,
    int64Data: values.map(BigInt),
  });
}

export function boolTensor(name: string, dims: readonly number[], values: Iterable<number>): TensorProto {
  const rawData = Uint8Array.from(values);
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: TensorProto_DataType.BOOL,
    rawData,
  });
}

/** A float32 tensor; strings are dynamic dimensions. */
export function tensorInfo(name: string, dims: readonly (number | string)[]): ValueInfoProto {
  const dim = dims.map((one) =>
    typeof one === 'number'
      ? ({ value: { case: 'dimValue', value: BigInt(one) } } as const)
      : ({ value: { case: 'dimParam', value: one } } as const),
  );
  const value = { elemType: TensorProto_DataType.FLOAT, shape: { dim } };
  return create(ValueInfoProtoSchema, { name, type: { value: { case: 'tensorType', value } } });
}

export interface ModelParts {
  readonly nodes: NodeProto[];
  readonly initializers?: TensorProto[];
  readonly inputs: ValueInfoProto[];
  readonly outputs: ValueInfoProto[];
  readonly described?: ValueInfoProto[];
  readonly opset?: number;
}

export function modelOf({
  nodes,
  initializers = [],
  inputs,
  outputs,
  described = [],
  opset = 17,
}: ModelParts): ModelProto {
  return create(ModelProtoSchema, {
    irVersion: 8n,
    producerName: 'rdi-serve tests',
    opsetImport: [{ domain: '', version: BigInt(opset) }],
    graph: {
      name: 'test',
      node: nodes,
      initializer: initializers,
      input: inputs,
      output: outputs,
      valueInfo: described,
    },
  });
}
