// The answer of an inference, as JSON or with binary tensors behind the JSON.
import type { InferenceResult } from '../../inference-protocol/infer.js';
import { longestResult } from '../../inference-protocol/longest-result.js';
import { rawBytesOf } from '../../inference-protocol/tensors.js';
import { JSON_LENGTH_HEADER, type Message } from './read-message.js';
import type { InferenceOutput, InferenceResponse } from './schemas.js';

type Form = Pick<Message, 'id' | 'isBinary'>;

/**
 * As bytes: of a text, Fastify would add a charset to the content type, by which clients decide.
 * @param isEqualLength whether answers about all classes are to be equally long
 */
export function encodeResponse(result: InferenceResult, form: Form, isEqualLength: boolean) {
  const { json, tail } = encode(result, form);
  const most = isEqualLength ? lengthOf(encode(longestResult(result, form.isBinary), form)) : 0;
  const blanks = most - json.length - tail.length;
  const padded = blanks > 0 ? Buffer.concat([json, Buffer.alloc(blanks, ' ')]) : json;
  if (tail.length === 0) return { headers: { 'content-type': 'application/json' }, body: padded };
  return {
    headers: { [JSON_LENGTH_HEADER]: padded.length, 'content-type': 'application/octet-stream' },
    body: Buffer.concat([padded, tail]),
  };
}

interface Encoded {
  readonly json: Buffer;
  /** The binary tensors. */
  readonly tail: Buffer;
}

function encode({ model, version, outputs }: InferenceResult, { id, isBinary }: Form): Encoded {
  const binary = outputs.filter(({ name }) => isBinary(name));
  const { bytes: tail, sizes } = rawBytesOf(binary);
  let tensor = 0;
  const described = outputs.map((output): InferenceOutput => {
    const { name, datatype, shape, values } = output;
    return output === binary[tensor]
      ? { name, datatype, shape: [...shape], parameters: { binary_data_size: sizes[tensor++] as number } }
      : { name, datatype, shape: [...shape], data: [...values] };
  });
  const response: InferenceResponse = {
    model_name: model,
    model_version: version,
    ...(id !== undefined && { id }),
    outputs: described,
  };
  return { json: Buffer.from(JSON.stringify(response)), tail };
}

function lengthOf({ json, tail }: Encoded): number {
  return json.length + tail.length;
}
