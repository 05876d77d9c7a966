// Requests over real sockets, and what every problem document must have.
import assert from 'node:assert/strict';
import { type Agent, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { type FailureType, failures } from '../../../src/foundation/errors.js';
import type { Problem } from '../../../src/http/problems.js';
import type { Prediction } from '../../../src/serving/prediction.js';

export type Query = Readonly<Record<string, string | number>>;

export function post(
  url: string,
  body: Uint8Array | string | undefined,
  contentType: string | undefined,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const sent = contentType === undefined ? headers : { ...headers, 'content-type': contentType };
  return fetch(url, { method: 'POST', headers: sent, ...(body !== undefined && { body }) });
}

export function classify(url: string, png: Uint8Array, query: Query = {}): Promise<Response> {
  return post(`${url}/classify${queryOf(query)}`, png, 'image/png');
}

export async function predict(url: string, png: Uint8Array, query: Query = {}): Promise<Prediction> {
  const response = await classify(url, png, query);
  const body = await response.text();
  assert.equal(response.status, 200, body);
  return JSON.parse(body) as Prediction;
}

/** One request on a connection of `agent`. @returns its answer, or undefined if the connection was refused */
export function classifyOrRefused(
  port: number,
  png: Uint8Array,
  agent: Agent,
): Promise<Prediction | undefined> {
  const headers = { 'content-type': 'image/png', 'content-length': png.length };
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method: 'POST', path: '/classify', agent, headers });
    let answer: IncomingMessage | undefined;
    sent.on('response', (response) => {
      answer = response;
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        assert.equal(response.statusCode, 200);
        resolve(JSON.parse(Buffer.concat(chunks).toString()) as Prediction);
      });
      response.on('aborted', () => reject(new Error('an answer broke off')));
    });
    sent.on('error', (error: NodeJS.ErrnoException) => {
      // The connection was refused, so the request was not accepted. Any other error is a request without an answer.
      if (error.code === 'ECONNREFUSED' && !answer) resolve(undefined);
      else reject(error);
    });
    sent.end(png);
  });
}

export function classifyBatch(
  url: string,
  images: readonly Uint8Array[],
  query: Query = {},
): Promise<Response> {
  const encoded = images.map((image) => Buffer.from(image).toString('base64'));
  const body = JSON.stringify({ images: encoded });
  return post(`${url}/classify/batch${queryOf(query)}`, body, 'application/json');
}

/** Asserts that this is a whole problem document of that type. @returns it */
export async function assertProblem(response: Response, type: FailureType): Promise<Problem> {
  const text = await response.text();
  assert.equal(response.status, failures[type].status, text);
  assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json\b/);
  const problem = JSON.parse(text) as Problem;
  assertProblemBody(problem, type);
  assert.equal(problem.requestId, response.headers.get('x-request-id'));
  return problem;
}

export function assertProblemBody(problem: Problem, type: FailureType): void {
  const { status, title } = failures[type];
  assert.deepEqual(
    [problem.type, problem.status, problem.title],
    [`urn:rdi-serve:problem:${type}`, status, title],
  );
  assert.match(problem.detail, /^.+\.$/, 'the detail is a sentence');
  assert.doesNotMatch(
    problem.detail,
    /node_modules|dist\/| at .*:\d+:\d+/,
    'no stack, no paths of the program',
  );
}

/** Sends bytes as they are. @returns all that came back until the server ended the connection */
export function sendRaw(port: number, bytes: string | Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let received = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      received += chunk;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(received));
    socket.write(bytes);
  });
}

/** The bytes of a request that classifies an image through all exits. */
export function rawClassify(png: Uint8Array): Buffer {
  const head =
    'POST /classify?profile=full HTTP/1.1\r\nhost: a\r\ncontent-type: image/png\r\n' +
    `content-length: ${png.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), png]);
}

function queryOf(query: Query): string {
  const entries = Object.entries(query).map(([key, value]): [string, string] => [key, `${value}`]);
  return entries.length === 0 ? '' : `?${new URLSearchParams(entries)}`;
}
