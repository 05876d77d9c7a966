// The protobuf descriptor of ONNX (onnx.proto, IR version 14): every field that a round trip has to keep.
// Field numbers are the format's own. Enumerations are read as int32, so that newer values survive.
import protobuf from 'protobufjs/light.js';

type Rule = 'repeated' | 'packed';
type FieldTable = Record<string, readonly [id: number, type: string, rule?: Rule]>;

const messages: Record<string, FieldTable> = {
  ModelProto: {
    ir_version: [1, 'int64'],
    producer_name: [2, 'string'],
    producer_version: [3, 'string'],
    domain: [4, 'string'],
    model_version: [5, 'int64'],
    doc_string: [6, 'string'],
    graph: [7, 'GraphProto'],
    opset_import: [8, 'OperatorSetIdProto', 'repeated'],
    metadata_props: [14, 'StringStringEntryProto', 'repeated'],
    functions: [25, 'FunctionProto', 'repeated'],
  },
  GraphProto: {
    node: [1, 'NodeProto', 'repeated'],
    name: [2, 'string'],
    initializer: [5, 'TensorProto', 'repeated'],
    doc_string: [10, 'string'],
    input: [11, 'ValueInfoProto', 'repeated'],
    output: [12, 'ValueInfoProto', 'repeated'],
    value_info: [13, 'ValueInfoProto', 'repeated'],
    quantization_annotation: [14, 'TensorAnnotation', 'repeated'],
    sparse_initializer: [15, 'SparseTensorProto', 'repeated'],
    metadata_props: [16, 'StringStringEntryProto', 'repeated'],
  },
  NodeProto: {
    input: [1, 'string', 'repeated'],
    output: [2, 'string', 'repeated'],
    name: [3, 'string'],
    op_type: [4, 'string'],
    attribute: [5, 'AttributeProto', 'repeated'],
    doc_string: [6, 'string'],
    domain: [7, 'string'],
    overload: [8, 'string'],
    metadata_props: [9, 'StringStringEntryProto', 'repeated'],
  },
  AttributeProto: {
    name: [1, 'string'],
    f: [2, 'float'],
    i: [3, 'int64'],
    s: [4, 'bytes'],
    t: [5, 'TensorProto'],
    g: [6, 'GraphProto'],
    floats: [7, 'float', 'repeated'],
    ints: [8, 'int64', 'repeated'],
    strings: [9, 'bytes', 'repeated'],
    tensors: [10, 'TensorProto', 'repeated'],
    graphs: [11, 'GraphProto', 'repeated'],
    doc_string: [13, 'string'],
    tp: [14, 'TypeProto'],
    type_protos: [15, 'TypeProto', 'repeated'],
    type: [20, 'int32'],
    ref_attr_name: [21, 'string'],
    sparse_tensor: [22, 'SparseTensorProto'],
    sparse_tensors: [23, 'SparseTensorProto', 'repeated'],
  },
  TensorProto: {
    dims: [1, 'int64', 'repeated'],
    data_type: [2, 'int32'],
    segment: [3, 'TensorSegment'],
    float_data: [4, 'float', 'packed'],
    int32_data: [5, 'int32', 'packed'],
    string_data: [6, 'bytes', 'repeated'],
    int64_data: [7, 'int64', 'packed'],
    name: [8, 'string'],
    raw_data: [9, 'bytes'],
    double_data: [10, 'double', 'packed'],
    uint64_data: [11, 'uint64', 'packed'],
    doc_string: [12, 'string'],
    external_data: [13, 'StringStringEntryProto', 'repeated'],
    data_location: [14, 'int32'],
    metadata_props: [16, 'StringStringEntryProto', 'repeated'],
  },
  TensorSegment: { begin: [1, 'int64'], end: [2, 'int64'] },
  SparseTensorProto: {
    values: [1, 'TensorProto'],
    indices: [2, 'TensorProto'],
    dims: [3, 'int64', 'repeated'],
  },
  ValueInfoProto: {
    name: [1, 'string'],
    type: [2, 'TypeProto'],
    doc_string: [3, 'string'],
    metadata_props: [4, 'StringStringEntryProto', 'repeated'],
  },
  TypeProto: {
    tensor_type: [1, 'TensorType'],
    sequence_type: [4, 'ElementType'],
    map_type: [5, 'MapType'],
    denotation: [6, 'string'],
    opaque_type: [7, 'OpaqueType'],
    sparse_tensor_type: [8, 'TensorType'],
    optional_type: [9, 'ElementType'],
  },
  TensorType: { elem_type: [1, 'int32'], shape: [2, 'TensorShapeProto'] },
  ElementType: { elem_type: [1, 'TypeProto'] },
  MapType: { key_type: [1, 'int32'], value_type: [2, 'TypeProto'] },
  OpaqueType: { domain: [1, 'string'], name: [2, 'string'] },
  TensorShapeProto: { dim: [1, 'Dimension', 'repeated'] },
  Dimension: { dim_value: [1, 'int64'], dim_param: [2, 'string'], denotation: [3, 'string'] },
  OperatorSetIdProto: { domain: [1, 'string'], version: [2, 'int64'] },
  StringStringEntryProto: { key: [1, 'string'], value: [2, 'string'] },
  TensorAnnotation: {
    tensor_name: [1, 'string'],
    quant_parameter_tensor_names: [2, 'StringStringEntryProto', 'repeated'],
  },
  FunctionProto: {
    name: [1, 'string'],
    input: [4, 'string', 'repeated'],
    output: [5, 'string', 'repeated'],
    attribute: [6, 'string', 'repeated'],
    node: [7, 'NodeProto', 'repeated'],
    doc_string: [8, 'string'],
    opset_import: [9, 'OperatorSetIdProto', 'repeated'],
    domain: [10, 'string'],
    attribute_proto: [11, 'AttributeProto', 'repeated'],
    value_info: [12, 'ValueInfoProto', 'repeated'],
    overload: [13, 'string'],
    metadata_props: [14, 'StringStringEntryProto', 'repeated'],
  },
};

/** The edition matters: proto2 writes a field that is set to its default, which ONNX attributes rely on. */
function messageDescriptor(fields: FieldTable): protobuf.IType & { edition: string } {
  return {
    edition: 'proto2',
    fields: Object.fromEntries(
      Object.entries(fields).map(([name, [id, type, rule]]) => [
        name,
        {
          id,
          type,
          ...(rule && { rule: 'repeated' }),
          ...(rule === 'packed' && { options: { packed: true } }),
        },
      ]),
    ),
  };
}

/** The protobuf type of an ONNX file. */
export const modelType: protobuf.Type = protobuf.Root.fromJSON({
  nested: Object.fromEntries(
    Object.entries(messages).map(([name, fields]) => [name, messageDescriptor(fields)]),
  ),
}).lookupType('ModelProto');
