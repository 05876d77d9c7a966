// Small pieces of ONNX for what import adds to a graph.
import { attributeTypes, type NodeProto, type TensorProto } from '../../onnx/proto.js';
import { FLOAT32 } from './element-types.js';

export function castNode(from: string, to: string, elementType: number): NodeProto {
  return {
    name: to,
    op_type: 'Cast',
    input: [from],
    output: [to],
    attribute: [{ name: 'to', type: attributeTypes.int, i: elementType }],
  };
}

export function floatConstant(name: string, value: number): TensorProto {
  return { name, dims: [], data_type: FLOAT32, raw_data: new Uint8Array(Float32Array.of(value).buffer) };
}
