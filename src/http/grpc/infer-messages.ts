// The messages of ModelInfer, and what they say, as inference-protocol/ takes and gives it.
import { create, toBinary } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import { Failure } from '../../foundation/errors.js';
import type { InferenceRequest, InferenceResult } from '../../inference-protocol/infer.js';
import { longestResult } from '../../inference-protocol/longest-result.js';
import type { RequestParameters } from '../../inference-protocol/parameters.js';
import { type InputTensor, rawBytesOf, shown, type TensorContent } from '../../inference-protocol/tensors.js';
import {
  type InferParameter,
  type InferTensorContents,
  type ModelInferRequest_InferInputTensor as Input,
  type ModelInferRequest,
  type ModelInferResponse,
  ModelInferResponseSchema,
} from '../../protobuf/open_inference_pb.js';

/** @throws Failure `invalid-body` */
export function readInferRequest(message: ModelInferRequest): InferenceRequest {
  const { modelName, modelVersion, parameters, inputs, outputs, rawInputContents } = message;
  if (modelName === '') throw invalid('The request names no model.');
  if (rawInputContents.length > 0 && rawInputContents.length !== inputs.length) {
    throw invalid(
      `${inputs.length} inputs and ${rawInputContents.length} raw_input_contents arrived; each input has one.`,
    );
  }
  return {
    model: modelName,
    version: modelVersion || undefined,
    parameters: valuesOf(parameters),
    inputs: inputs.map((input, index) => readInput(input, rawInputContents[index])),
    outputs: outputs.map(({ name, parameters }) => ({
      name,
      classification: valuesOf(parameters)['classification'] as number | undefined,
    })),
  };
}

function readInput(input: Input, raw: Uint8Array | undefined): InputTensor {
  const { name, datatype, shape, contents } = input;
  // As MLServer's Base64Codec sends them.
  const isBase64 = valuesOf(input.parameters)['content_type'] === 'base64';
  const described = { name, datatype, shape: shape.map(Number), isBase64 };
  if (raw === undefined) return { ...described, content: typedContent(input) };
  if (contents && filledOf(contents).length > 0) {
    throw invalid(`The input ${shown(name)} has both contents and raw_input_contents.`);
  }
  return { ...described, content: { raw } };
}

/** The field of the contents in which the elements of a datatype stand. FP16 has none. */
const contentsOf: Readonly<Record<string, ContentsName>> = {
  FP32: 'fp32Contents',
  UINT8: 'uintContents',
  BYTES: 'bytesContents',
};
type ContentsName = Exclude<keyof InferTensorContents, '$typeName' | '$unknown'>;

function typedContent({ name, datatype, contents }: Input): TensorContent {
  const filled = contents ? filledOf(contents) : [];
  const expected = contentsOf[datatype];
  const [other] = filled.filter((one) => one !== expected);
  if (other !== undefined) {
    const wanted = expected === undefined ? 'raw_input_contents' : protocolName(expected);
    throw invalid(
      `The input ${shown(name)} of ${shown(datatype)} has ${protocolName(other)}; it needs ${wanted}.`,
    );
  }
  const values = contents && expected ? contents[expected] : undefined;
  if (values === undefined || values.length === 0) throw invalid(`The input ${shown(name)} has no data.`);
  return { values };
}

function filledOf(contents: InferTensorContents): ContentsName[] {
  const { $typeName, $unknown, ...fields } = contents;
  return (Object.keys(fields) as ContentsName[]).filter((name) => fields[name].length > 0);
}

function protocolName(name: ContentsName): string {
  return name.replace('Contents', '_contents');
}

function valuesOf(parameters: Readonly<Record<string, InferParameter>>): RequestParameters {
  return Object.fromEntries(
    Object.entries(parameters).map(
      ([
        name,
        {
          parameterChoice: { value },
        },
      ]) => [name, typeof value === 'bigint' ? Number(value) : value],
    ),
  );
}

/** Outputs stand in raw_output_contents: all clients read them there. */
export function writeInferResponse(
  { model, version, outputs }: InferenceResult,
  id: string,
): ModelInferResponse {
  const { bytes, sizes } = rawBytesOf(outputs);
  return create(ModelInferResponseSchema, {
    modelName: model,
    modelVersion: version,
    id,
    outputs: outputs.map(({ name, datatype, shape }) => ({ name, datatype, shape: shape.map(BigInt) })),
    rawOutputContents: partsOf(bytes, sizes),
  });
}

function partsOf(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  let at = 0;
  return sizes.map((size) => {
    at += size;
    return bytes.subarray(at - size, at);
  });
}

/** The same, as long as the answer about every other class. */
export function writeEqualLength(result: InferenceResult, id: string): ModelInferResponse {
  const response = writeInferResponse(result, id);
  const longest = writeInferResponse(
    longestResult(result, () => true),
    id,
  );
  const [most, own] = [longest, response].map((one) => toBinary(ModelInferResponseSchema, one).length);
  // At least the two bytes of the smallest filling.
  response.$unknown = filling((most ?? 0) - (own ?? 0) + 2);
  return response;
}

/** A field that no version of the message has; clients of protobuf pass over it. */
const FILLING_FIELD = 15;

/** @param bytes at least 2. @returns fields of so many bytes: each has one for its number, and one or two for its value */
function filling(bytes: number): NonNullable<ModelInferResponse['$unknown']> {
  const lengths = new Array<number>(Math.floor(bytes / 2)).fill(1);
  if (bytes % 2 === 1) lengths[0] = 2;
  return lengths.map((length) => ({
    no: FILLING_FIELD,
    wireType: WireType.Varint,
    data: length === 1 ? Uint8Array.of(0) : Uint8Array.of(0x80, 1),
  }));
}

function invalid(detail: string): Failure {
  return new Failure('invalid-body', detail);
}
