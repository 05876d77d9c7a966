// A converted network as TensorFlow.js takes it: a topology without values, and the values in one piece.
import { create, toJson } from '@bufbuild/protobuf';
import type { io } from '@tensorflow/tfjs-core';
import { DataType, GraphDefSchema, type NodeDef, type TensorProto } from '../../protobuf/saved_model_pb.js';
import type { ConvertedNetwork } from './convert.js';

/** What `loadGraphModel` is given in place of files. */
export function graphModelArtifacts({ nodes }: ConvertedNetwork): io.ModelArtifacts {
  const constants = nodes.flatMap((node) => {
    const tensor = tensorOf(node);
    return tensor ? [{ name: node.name, tensor }] : [];
  });
  const weightData = Buffer.concat(constants.map(({ tensor }) => tensor.tensorContent));
  return {
    format: 'graph-model',
    modelTopology: Object(
      toJson(GraphDefSchema, create(GraphDefSchema, { node: nodes.map(withoutTensor), versions: {} })),
    ),
    weightSpecs: constants.map(({ name, tensor }) => ({
      name,
      dtype: dtypeOf(tensor),
      shape: shapeOf(tensor),
    })),
    weightData: Uint8Array.from(weightData).buffer,
  };
}

/** What a constant holds. */
function tensorOf({ attr }: NodeDef): TensorProto | undefined {
  const held = attr['value']?.value;
  return held?.case === 'tensor' ? held.value : undefined;
}

function dtypeOf({ dtype }: TensorProto): 'float32' | 'int32' | 'bool' {
  return dtype === DataType.DT_FLOAT ? 'float32' : dtype === DataType.DT_BOOL ? 'bool' : 'int32';
}

function shapeOf({ tensorShape }: TensorProto): number[] {
  return (tensorShape?.dim ?? []).map(({ size }) => Number(size));
}

/** A constant's value is among the weights. */
function withoutTensor(node: NodeDef): NodeDef {
  if (!tensorOf(node)) return node;
  const { value: _value, ...attr } = node.attr;
  return { ...node, attr };
}
