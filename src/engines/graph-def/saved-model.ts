// A converted network as a SavedModel: one frozen graph, a signature for each segment.
import type { ConvertedNetwork, Endpoint } from './convert.js';
import { savedModelType } from './descriptor.js';
import { shapeProto, tensorTypes } from './graph-def.js';

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
  const signature_def = Object.fromEntries(
    signatures.map(({ input, logits, cut }, index) => [
      signatureName(index),
      {
        inputs: { [INPUT]: tensorInfo(input) },
        outputs: { [LOGITS]: tensorInfo(logits), ...(cut && { [CUT]: tensorInfo(cut) }) },
        method_name: 'tensorflow/serving/predict',
      },
    ]),
  );
  const graph = {
    meta_info_def: { tags: [SERVING_TAG] },
    graph_def: { node: nodes, versions: { producer: PRODUCER } },
    signature_def,
  };
  return savedModelType.encode({ saved_model_schema_version: 1, meta_graphs: [graph] }).finish();
}

function tensorInfo({ node, shape }: Endpoint): object {
  return { name: `${node}:0`, dtype: tensorTypes.float, tensor_shape: shapeProto([-1, ...shape]) };
}
