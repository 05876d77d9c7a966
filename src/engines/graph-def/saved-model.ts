// A converted network as a SavedModel: one frozen graph, a signature for each segment.
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { DataType, SavedModelSchema, type TensorInfoSchema } from '../../protobuf/saved_model_pb.js';
import type { ConvertedNetwork, Endpoint } from './convert.js';
import { shapeProto } from './graph-def.js';

/** What a SavedModel for inference is looked up by. */
export const SERVING_TAG = 'serve';

/** Names of a signature's one input and its outputs. */
export const INPUT = 'input';
export const LOGITS = 'logits';
export const CUT = 'cut';

export function signatureName(index: number): string {
  return `segment_${index}`;
}

/** The version of TensorFlow's graphs since which everything that is used here means the same. */
const PRODUCER = 440;

/** The content of `saved_model.pb`; the weights are constants of the graph, so there are no other files. */
export function encodeSavedModel({ nodes, signatures }: ConvertedNetwork): Uint8Array {
  const signatureDef = Object.fromEntries(
    signatures.map(({ input, logits, cut }, index) => [
      signatureName(index),
      {
        inputs: { [INPUT]: tensorInfo(input) },
        outputs: { [LOGITS]: tensorInfo(logits), ...(cut && { [CUT]: tensorInfo(cut) }) },
        methodName: 'tensorflow/serving/predict',
      },
    ]),
  );
  const graph = {
    metaInfoDef: { tags: [SERVING_TAG] },
    graphDef: { node: [...nodes], versions: { producer: PRODUCER } },
    signatureDef,
  };
  return toBinary(
    SavedModelSchema,
    create(SavedModelSchema, { savedModelSchemaVersion: 1n, metaGraphs: [graph] }),
  );
}

function tensorInfo({ node, shape }: Endpoint): MessageInitShape<typeof TensorInfoSchema> {
  return {
    encoding: { case: 'name', value: `${node}:0` },
    dtype: DataType.DT_FLOAT,
    tensorShape: shapeProto([-1, ...shape]),
  };
}
