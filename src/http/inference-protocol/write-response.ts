// The answer of an inference, as JSON or with binary tensors behind the JSON.
import type { FastifyReply } from 'fastify';
import type { InferenceResult } from '../../inference-protocol/infer.js';
import { rawBytesOf } from '../../inference-protocol/tensors.js';
import { JSON_LENGTH_HEADER, type Message } from './read-message.js';
import type { InferenceOutput, InferenceResponse } from './schemas.js';

/** Sends bytes: Fastify would add a charset to the content type, by which clients decide. */
export function sendResponse(
  reply: FastifyReply,
  { model, version, outputs }: InferenceResult,
  { id, isBinary }: Pick<Message, 'id' | 'isBinary'>,
): FastifyReply {
  const tails: Buffer[] = [];
  const described = outputs.map((output): InferenceOutput => {
    const { name, datatype, shape, values } = output;
    if (!isBinary(name)) return { name, datatype, shape: [...shape], data: [...values] };
    const raw = rawBytesOf(output);
    tails.push(raw);
    return { name, datatype, shape: [...shape], parameters: { binary_data_size: raw.length } };
  });
  const response: InferenceResponse = {
    model_name: model,
    model_version: version,
    ...(id !== undefined && { id }),
    outputs: described,
  };
  const json = Buffer.from(JSON.stringify(response));
  if (tails.length === 0) return reply.type('application/json').send(json);
  reply.header(JSON_LENGTH_HEADER, json.length);
  return reply.type('application/octet-stream').send(Buffer.concat([json, ...tails]));
}
