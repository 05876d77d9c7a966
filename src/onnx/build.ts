// New pieces of ONNX: nodes, constants, declarations, and copies of a model with another graph.
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

/** A node with one output and integer attributes. */
export function operator(
  opType: string,
  input: string[],
  output: string,
  attributes: Readonly<Record<string, number>> = {},
): NodeProto {
  const attribute = Object.entries(attributes).map(([name, value]) =>
    create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INT, i: BigInt(value) }),
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

/** float32 [] */
export function floatScalar(name: string, value: number): TensorProto {
  return create(TensorProtoSchema, { name, dataType: TensorProto_DataType.FLOAT, floatData: [value] });
}

/** @param shape names stand for symbolic dimensions, undefined for unknown ones */
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

/** An output of which only the name is told. */
export function untypedOutput(name: string): ValueInfoProto {
  return create(ValueInfoProtoSchema, { name });
}

/** A copy of the model whose graph is its own but for `changes`; everything else is shared. */
export function withGraph(model: ModelProto, changes: Partial<GraphProto>): ModelProto {
  const graph = Object.assign(create(GraphProtoSchema), model.graph, changes);
  return Object.assign(create(ModelProtoSchema), model, { graph });
}
