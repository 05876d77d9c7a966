// Calls of gRPC over real sockets: by a client library, and as bytes.
import assert from 'node:assert/strict';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { type Client, Code, ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { Health } from '../../../src/protobuf/grpc_health_pb.js';
import { ServerReflection } from '../../../src/protobuf/grpc_reflection_pb.js';
import {
  GRPCInferenceService,
  ModelInferRequestSchema,
  type ModelInferResponse,
} from '../../../src/protobuf/open_inference_pb.js';
import type { Scope } from '../scope.js';
import { type Output, valuesOf } from './inference.js';

export interface GrpcClients {
  readonly inference: Client<typeof GRPCInferenceService>;
  readonly health: Client<typeof Health>;
  readonly reflection: Client<typeof ServerReflection>;
}

/** Clients on one connection, which closes with the scope. */
export function grpcClients(scope: Scope, url: string): GrpcClients {
  const sessionManager = new Http2SessionManager(url);
  scope.after(async () => sessionManager.abort());
  const transport = createGrpcTransport({ baseUrl: url, sessionManager });
  return {
    inference: createClient(GRPCInferenceService, transport),
    health: createClient(Health, transport),
    reflection: createClient(ServerReflection, transport),
  };
}

type Fields = MessageInitShape<typeof ModelInferRequestSchema>;
/** Not a whole message, which the type of its fields also allows. */
export type InferRequest = Exclude<Fields, { $typeName: string }>;

/** A request of one input `image`. */
export function inferRequest(
  datatype: string,
  shape: readonly number[],
  content: Uint8Array | InferRequest['inputs'],
  rest: InferRequest = {},
): InferRequest {
  const input = { name: 'image', datatype, shape: shape.map(BigInt) };
  const isRaw = content instanceof Uint8Array;
  return {
    modelName: 'tiny',
    ...rest,
    inputs: isRaw ? [input] : (content ?? []).map((one) => ({ ...input, ...one })),
    ...(isRaw && { rawInputContents: [content] }),
  };
}

/** The outputs of an answer, as those of the REST form are read. */
export function grpcOutputs({ outputs, rawOutputContents }: ModelInferResponse): Record<string, Output> {
  assert.equal(outputs.length, rawOutputContents.length);
  return Object.fromEntries(
    outputs.map(({ name, datatype, shape }, index) => {
      const raw = Buffer.from(rawOutputContents[index] ?? []);
      return [name, { datatype, shape: shape.map(Number), data: valuesOf(datatype, raw) }];
    }),
  );
}

/** Asserts that the call is refused with this code and problem type. @returns the text */
export async function assertStatus(call: Promise<unknown>, code: Code, type: string): Promise<string> {
  const error = await call.then(
    () => assert.fail('the call was answered'),
    (error: unknown) => ConnectError.from(error),
  );
  assert.equal(Code[error.code], Code[code], error.message);
  assert.equal(error.metadata.get('problem-type'), `urn:rdi-serve:problem:${type}`);
  assert.match(error.rawMessage, /^.+\.$/, 'the detail is a sentence');
  assert.doesNotMatch(error.rawMessage, /node_modules|dist\//);
  return error.rawMessage;
}

export interface RawAnswer {
  readonly headers: IncomingHttpHeaders;
  /** Of the trailers, or of the headers of an answer without a message. */
  readonly status: string | undefined;
  readonly message: string;
  readonly body: Buffer;
}

export const INFER = '/inference.GRPCInferenceService/ModelInfer';

/** One call on a connection of its own, as the bytes are. @param body undefined: the call never ends its message */
export function callRaw(
  url: string,
  body: readonly Uint8Array[],
  { path = INFER, headers = {}, isOpen = false }: { path?: string; headers?: object; isOpen?: boolean } = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const session = connect(url);
    session.on('error', reject);
    const stream = session.request(
      { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers', ...headers },
      { endStream: false },
    );
    const pieces: Buffer[] = [];
    let answer: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    stream.on('response', (given) => {
      answer = given;
    });
    stream.on('trailers', (given: IncomingHttpHeaders) => {
      trailers = given;
    });
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    stream.on('error', reject);
    stream.on('close', () => {
      session.close();
      const all = { ...answer, ...trailers };
      resolve({
        headers: all,
        status: all['grpc-status'] as string | undefined,
        message: decodeURIComponent(String(all['grpc-message'] ?? '')),
        body: Buffer.concat(pieces),
      });
    });
    for (const piece of body) stream.write(piece);
    if (!isOpen) stream.end();
  });
}

/** A message behind its prefix. @param length what the prefix says */
export function framed(message: Uint8Array, length = message.length, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, message]);
}

export function encoded(request: InferRequest): Buffer {
  return Buffer.from(toBinary(ModelInferRequestSchema, create(ModelInferRequestSchema, request)));
}
