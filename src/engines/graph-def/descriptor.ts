// The protobuf descriptor of TensorFlow's GraphDef and SavedModel: the fields that a frozen network needs.
// Field numbers are the format's own.
import { type FieldTable, messageType } from '../../onnx/protobuf-messages.js';

const messages: Readonly<Record<string, FieldTable>> = {
  SavedModel: { saved_model_schema_version: [1, 'int64'], meta_graphs: [2, 'MetaGraphDef', 'repeated'] },
  MetaGraphDef: {
    meta_info_def: [1, 'MetaInfoDef'],
    graph_def: [2, 'GraphDef'],
    signature_def: [5, 'SignatureDef', 'map'],
  },
  MetaInfoDef: { tags: [4, 'string', 'repeated'] },
  SignatureDef: {
    inputs: [1, 'TensorInfo', 'map'],
    outputs: [2, 'TensorInfo', 'map'],
    method_name: [3, 'string'],
  },
  TensorInfo: { name: [1, 'string'], dtype: [2, 'int32'], tensor_shape: [3, 'TensorShapeProto'] },
  GraphDef: { node: [1, 'NodeDef', 'repeated'], versions: [4, 'VersionDef'] },
  VersionDef: { producer: [1, 'int32'] },
  NodeDef: {
    name: [1, 'string'],
    op: [2, 'string'],
    input: [3, 'string', 'repeated'],
    attr: [5, 'AttrValue', 'map'],
  },
  AttrValue: {
    list: [1, 'ListValue'],
    s: [2, 'bytes'],
    i: [3, 'int64'],
    f: [4, 'float'],
    b: [5, 'bool'],
    type: [6, 'int32'],
    shape: [7, 'TensorShapeProto'],
    tensor: [8, 'TensorProto'],
  },
  ListValue: { s: [2, 'bytes', 'repeated'], i: [3, 'int64', 'packed'] },
  TensorProto: {
    dtype: [1, 'int32'],
    tensor_shape: [2, 'TensorShapeProto'],
    tensor_content: [4, 'bytes'],
  },
  TensorShapeProto: { dim: [2, 'Dimension', 'repeated'] },
  Dimension: { size: [1, 'int64'] },
};

/** The protobuf type of `saved_model.pb`. */
export const savedModelType = messageType(messages, 'SavedModel');
