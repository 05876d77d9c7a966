// Builds parts of ONNX models: nodes, constants, declarations of tensors, and copies of a model with a changed graph.
import { create } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from '../protobuf/onnx-ml_pb.js';

/** A node with one output, whose attributes are integers or lists of them. */
export function operator(
  opType: string,
  input: string[],
  output: string,
  attributes: Readonly<Record<string, number | readonly number[]>> = {},
): NodeProto {
  const attribute = Object.entries(attributes).map(([name, value]) =>
    typeof value === 'number'
      ? create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INT, i: BigInt(value) })
      : create(AttributeProtoSchema, {
          name,
          type: AttributeProto_AttributeType.INTS,
          ints: value.map(BigInt),
        }),
  );
  return create(NodeProtoSchema, { name: output, opType, input, output: [output], attribute });
}

/** int64 [values.length] */
export function integers(name: string, values: readonly number[]): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: [BigInt(values.length)],
    dataType: TensorProto_DataType.INT64,
    int64Data: values.map(BigInt),
  });
}

/** float32 of the shape `dims` */
export function floats(name: string, dims: readonly number[], values: Float32Array): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: TensorProto_DataType.FLOAT,
    rawData: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  });
}

/** float32 [] */
export function floatScalar(name: string, value: number): TensorProto {
  return create(TensorProtoSchema, { name, dataType: TensorProto_DataType.FLOAT, floatData: [value] });
}

/** @param shape a string is the name of a symbolic dimension; undefined: the dimension is unknown */
export function tensorInfo(
  name: string,
  elemType: number,
  shape: readonly (number | string | undefined)[],
): ValueInfoProto {
  const dim = shape.map((extent) => {
    if (extent === undefined) return {};
    return typeof extent === 'number'
      ? { value: { case: 'dimValue' as const, value: BigInt(extent) } }
      : { value: { case: 'dimParam' as const, value: extent } };
  });
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType, shape: { dim } } } },
  });
}

/** Declares an output by its name, without a type. */
export function untypedOutput(name: string): ValueInfoProto {
  return create(ValueInfoProtoSchema, { name });
}

/** A shallow copy of the model, whose graph has the `changes`. The rest is shared with the original. */
export function withGraph(model: ModelProto, changes: Partial<GraphProto>): ModelProto {
  const graph = Object.assign(create(GraphProtoSchema), model.graph, changes);
  return Object.assign(create(ModelProtoSchema), model, { graph });
}
