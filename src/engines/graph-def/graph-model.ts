// A converted network as TensorFlow.js takes it: a topology without values, and the values in one piece.
import type { io } from '@tensorflow/tfjs-core';
import type { ConvertedNetwork } from './convert.js';
import { type AttrValue, type NodeDef, type TensorProto, tensorTypes } from './graph-def.js';

/** What `loadGraphModel` is given in place of files. */
export function graphModelArtifacts({ nodes }: ConvertedNetwork): io.ModelArtifacts {
  const constants = nodes.flatMap(({ name, attr }) => {
    const tensor = attr['value']?.tensor;
    return tensor ? [{ name, tensor }] : [];
  });
  const weightData = Buffer.concat(constants.map(({ tensor }) => tensor.tensor_content));
  return {
    format: 'graph-model',
    modelTopology: { node: nodes.map(inJson), versions: { producer: 0 } },
    weightSpecs: constants.map(({ name, tensor }) => ({
      name,
      dtype: tensor.dtype === tensorTypes.float ? 'float32' : 'int32',
      shape: shapeOf(tensor),
    })),
    weightData: Uint8Array.from(weightData).buffer,
  };
}

function shapeOf({ tensor_shape }: TensorProto): number[] {
  return tensor_shape.dim.map(({ size }) => size);
}

/** As protobuf has it in JSON: bytes in base64. A constant's value is left out: it is among the weights. */
function inJson(node: NodeDef): object {
  const attributes = Object.entries(node.attr).filter(([, { tensor }]) => tensor === undefined);
  return {
    ...node,
    attr: Object.fromEntries(attributes.map(([name, value]) => [name, textInBase64(value)])),
  };
}

function textInBase64(value: AttrValue): object {
  return value.s === undefined ? value : { s: Buffer.from(value.s).toString('base64') };
}
