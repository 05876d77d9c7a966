// Bodies of the Open Inference Protocol: JSON, and behind it, in the binary tensor extension, the bytes of the tensors.
// Clients name other content types or none, so the header Inference-Header-Content-Length decides which it is.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Failure, messageOf } from '../../foundation/errors.js';
import type { InferenceRequest as Inference } from '../../inference-protocol/infer.js';
import { type InputTensor, shown } from '../../inference-protocol/tensors.js';
import { isIntricate } from '../bodies/json-bodies.js';
import { readBody } from '../bodies/read-body.js';
import { unsupportedMediaType } from '../bodies/unsupported-media-type.js';
import { createBodyCheck } from '../validation.js';
import { InferenceRequest, protocolSchemas, RepositoryIndexRequest } from './schemas.js';

export const JSON_LENGTH_HEADER = 'inference-header-content-length';
export const contentTypes = ['application/json', 'application/octet-stream'] as const;

/** Arrays of a JSON tensor in nested arrays: those of a million rows take some 70 MB when they are parsed. */
const MOST_ARRAYS = 2 ** 20;

/** What a body says. */
export interface Message extends Pick<Inference, 'inputs' | 'outputs' | 'parameters'> {
  readonly id: string | undefined;
  /** Whether the bytes of this output shall stand behind the JSON. */
  isBinary(output: string): boolean;
}

/** Makes a plugin's routes take bodies of the protocol. @param read makes request.body of the bytes */
export function parseBodies(
  app: FastifyInstance,
  read: (bytes: Buffer, request: FastifyRequest) => unknown,
): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser([...contentTypes], async (request: FastifyRequest) =>
    read(await readBody(request), request),
  );
  app.addContentTypeParser('*', async (request: FastifyRequest) => {
    if (request.headers['content-type'] !== undefined) throw unsupportedMediaType(request);
    return read(await readBody(request), request);
  });
}

const checkInference = createBodyCheck(
  InferenceRequest,
  protocolSchemas.filter((one) => one !== InferenceRequest),
);
const checkIndexRequest = createBodyCheck(RepositoryIndexRequest, []);

/** @throws Failure `invalid-body` */
export function readMessage(body: Buffer, { headers }: Pick<FastifyRequest, 'headers'>): Message {
  const jsonLength = jsonLengthOf(headers[JSON_LENGTH_HEADER], body.length);
  const json = parseJson(body.subarray(0, jsonLength ?? body.length));
  const fault = checkInference(json);
  if (fault !== undefined) throw invalid(`The request is not as the protocol says: ${fault}.`);
  const { id, parameters, inputs, outputs } = json as InferenceRequest;
  const asked = new Map((outputs ?? []).map(({ name, parameters }) => [name, parameters?.binary_data]));
  return {
    id: id ?? undefined,
    parameters: parameters ?? {},
    inputs: withContent(inputs, jsonLength === undefined ? undefined : body.subarray(jsonLength)),
    outputs: (outputs ?? []).map(({ name, parameters }) => ({
      name,
      classification: parameters?.classification,
    })),
    isBinary: (name) => asked.get(name) ?? parameters?.binary_data_output ?? false,
  };
}

/** @throws Failure `invalid-body` */
export function readIndexRequest(body: Buffer): RepositoryIndexRequest {
  if (body.length === 0) return {};
  const json = parseJson(body);
  const fault = checkIndexRequest(json);
  if (fault !== undefined) throw invalid(`The request is not as the protocol says: ${fault}.`);
  return json as RepositoryIndexRequest;
}

function jsonLengthOf(header: string | string[] | undefined, bodyLength: number): number | undefined {
  if (header === undefined) return undefined;
  const length = typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : Number.NaN;
  if (length <= bodyLength) return length;
  throw invalid(
    `Inference-Header-Content-Length is ${JSON.stringify(header)}; it must be the number of bytes of the JSON, ` +
      `of the ${bodyLength} that arrived.`,
  );
}

function parseJson(bytes: Buffer): unknown {
  if (bytes.length === 0) throw invalid('The body is empty; it must be the JSON of an inference request.');
  const text = bytes.toString();
  if (isIntricate(text, MOST_ARRAYS)) {
    throw invalid(
      'The body has far more structure than an inference request. Send large tensors in binary form.',
    );
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Failure('invalid-body', `The body is not JSON: ${messageOf(error)}.`, { cause: error });
  }
}

/** @param tail the bytes behind the JSON; undefined: the request is JSON alone */
function withContent(inputs: InferenceRequest['inputs'], tail: Buffer | undefined): InputTensor[] {
  let at = 0;
  const tensors = inputs.map(({ name, datatype, shape, parameters, data }) => {
    const size = parameters?.binary_data_size;
    const described = { name, datatype, shape };
    if (size === undefined) {
      if (!data) throw invalid(`The input ${shown(name)} has no data.`);
      return { ...described, content: { values: data } };
    }
    if (data) throw invalid(`The input ${shown(name)} has both data and binary_data_size.`);
    if (!tail)
      throw invalid('Binary tensors need the header Inference-Header-Content-Length: the bytes of the JSON.');
    const raw = tail.subarray(at, at + size);
    if (raw.length < size) {
      throw invalid(`The input ${shown(name)} says ${size} bytes behind the JSON; ${raw.length} arrived.`);
    }
    at += size;
    return { ...described, content: { raw } };
  });
  if (tail && at < tail.length)
    throw invalid(`Behind the last tensor, ${tail.length - at} bytes belong to none.`);
  return tensors;
}

function invalid(detail: string): Failure {
  return new Failure('invalid-body', detail);
}
