// Requests of the Open Inference Protocol over real sockets, in JSON and in the binary form, and answers read back.
import assert from 'node:assert/strict';
import { createImageTensor } from '../../../src/cascade/image-tensor.js';
import { type FailureType, failures } from '../../../src/foundation/errors.js';
import type { Problem } from '../../../src/http/problems.js';
import type { Prediction } from '../../../src/serving/prediction.js';
import { testImages } from '../packages/profiled-package.js';
import { assertProblemBody, predict } from './requests.js';
import type { TestService } from './service.js';

export interface Input {
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly name?: string;
}
export interface Message {
  readonly model?: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly outputs?: readonly object[];
  readonly id?: string;
}
export interface Output {
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly unknown[];
}

/** Images for the model `tiny` of a service, in every form of the input, with the answers of POST /classify. */
export async function inferenceImages({ url, classifier }: Pick<TestService, 'url' | 'classifier'>) {
  const { input } = classifier.catalog.find('tiny').manifest;
  const images = await testImages(8);
  const answers = await Promise.all(images.map(({ png }) => predict(url, png, { topK: 10 })));
  const pixels = Buffer.concat(images.map((image) => image.pixels));
  const values = createImageTensor(input, 'nchw')(new Uint8Array(pixels));
  const raw = Buffer.from(values.buffer);
  return { images, answers, pixels, values, raw, own: [images.length, 3, 16, 16] };
}

/** All outputs, as the answers of POST /classify with all classes say them. */
export function outputsLike(answers: readonly Prediction[]) {
  const shape = [answers.length];
  return {
    probabilities: {
      datatype: 'FP32',
      shape: [answers.length, answers[0]?.top.length ?? 0],
      data: answers.flatMap(({ top }) =>
        [...top].sort((a, b) => a.classIndex - b.classIndex).map(({ probability }) => probability),
      ),
    },
    label: { datatype: 'BYTES', shape, data: answers.map(({ label }) => label) },
    class_index: { datatype: 'INT32', shape, data: answers.map(({ classIndex }) => classIndex) },
    exit_index: { datatype: 'INT32', shape, data: answers.map(({ exit }) => exit.index) },
    flops: { datatype: 'INT64', shape, data: answers.map(({ flops }) => flops.executed) },
    certified: { datatype: 'BOOL', shape, data: answers.map(({ certified }) => certified) },
    inverted: { datatype: 'BOOL', shape, data: answers.map(({ inverted = false }) => inverted) },
    typical: { datatype: 'BOOL', shape, data: answers.map(({ typicality }) => typicality?.typical ?? true) },
  };
}

const pathOf = ({ model = 'tiny' }: Message) => `/v2/models/${model}/infer`;

/** Elements of BYTES, each led by its length. */
export function joinBytes(elements: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    elements.flatMap((element) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(element.length);
      return [length, element];
    }),
  );
}

export function inferJson(
  url: string,
  input: Input,
  data: readonly unknown[],
  message: Message = {},
): Promise<Response> {
  const { model: _model, ...rest } = message;
  const body = JSON.stringify({ ...rest, inputs: [{ name: 'image', ...input, data }] });
  return fetch(url + pathOf(message), {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
  });
}

/** As Triton's client sends it: without a content type. */
export function inferBinary(
  url: string,
  input: Input,
  raw: Uint8Array,
  message: Message = {},
): Promise<Response> {
  const { model: _model, ...rest } = message;
  const described = { name: 'image', ...input, parameters: { binary_data_size: raw.length } };
  const json = Buffer.from(JSON.stringify({ ...rest, inputs: [described] }));
  return sendBinary(url + pathOf(message), Buffer.concat([json, raw]), `${json.length}`);
}

export function sendBinary(address: string, body: Uint8Array, jsonLength: string): Promise<Response> {
  return fetch(address, {
    method: 'POST',
    body: new Blob([body as Uint8Array<ArrayBuffer>]),
    headers: { 'inference-header-content-length': jsonLength },
  });
}

/** The outputs of an answer, binary ones read as they are described. */
export async function outputsOf(response: Response): Promise<Record<string, Output>> {
  const body = Buffer.from(await response.arrayBuffer());
  assert.equal(response.status, 200, body.toString());
  const jsonLength = response.headers.get('inference-header-content-length');
  const type = jsonLength === null ? 'application/json' : 'application/octet-stream';
  assert.equal(response.headers.get('content-type'), type);
  let at = jsonLength === null ? body.length : Number(jsonLength);
  const { outputs } = JSON.parse(body.toString('utf8', 0, at)) as {
    outputs: (Output & { name: string; parameters?: { binary_data_size: number } })[];
  };
  const read = outputs.map(({ name, datatype, shape, data, parameters }) => {
    const size = parameters?.binary_data_size ?? 0;
    const raw = body.subarray(at, at + size);
    at += size;
    return [name, { datatype, shape, data: data ?? valuesOf(datatype, raw) }];
  });
  assert.equal(at, body.length);
  return Object.fromEntries(read) as Record<string, Output>;
}

/** The elements of an output in raw bytes. */
export function valuesOf(datatype: string, raw: Buffer): unknown[] {
  const copy = new Uint8Array(raw).buffer;
  switch (datatype) {
    case 'FP32':
      return [...new Float32Array(copy)];
    case 'INT32':
      return [...new Int32Array(copy)];
    case 'INT64':
      return [...new BigInt64Array(copy)].map(Number);
    case 'BOOL':
      return [...raw].map(Boolean);
    default: {
      const texts: string[] = [];
      for (let at = 0; at < raw.length; ) {
        const end = at + 4 + raw.readUInt32LE(at);
        texts.push(raw.toString('utf8', at + 4, end));
        at = end;
      }
      return texts;
    }
  }
}

/** Asserts that this is a problem as clients of the protocol read it. @returns its text */
export async function assertProtocolProblem(response: Response, type: FailureType): Promise<string> {
  const text = await response.text();
  assert.equal(response.status, failures[type].status, text);
  assert.equal(response.headers.get('content-type'), 'application/json');
  const problem = JSON.parse(text) as Problem;
  assertProblemBody(problem, type);
  assert.equal(problem.error, problem.detail);
  return problem.detail;
}
