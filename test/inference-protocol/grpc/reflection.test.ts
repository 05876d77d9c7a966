// grpc.reflection: services and messages, as tools find them out.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Code } from '@connectrpc/connect';
import {
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
} from '../../../src/protobuf/grpc_reflection_pb.js';
import { callRaw, framed, grpcClients } from '../../support/service/grpc.js';
import { startTestService } from '../../support/service/service.js';

const scope = { after };
const { grpcUrl } = await startTestService(scope, { config: { grpc: true } });
const { reflection } = grpcClients(scope, grpcUrl);
type Question = Extract<ServerReflectionRequest['messageRequest'], { case: string }>;

/** All in one stream. */
async function ask(...questions: Question[]) {
  async function* requests() {
    for (const messageRequest of questions) yield { host: 'here', messageRequest };
  }
  const answers = [];
  for await (const { validHost, originalRequest, messageResponse } of reflection.serverReflectionInfo(
    requests(),
  )) {
    assert.deepEqual([validHost, originalRequest?.messageRequest], ['here', questions[answers.length]]);
    answers.push(messageResponse);
  }
  return answers;
}

test('the services are listed', async () => {
  const [answer] = await ask({ case: 'listServices', value: '' });
  assert.equal(answer?.case, 'listServicesResponse');
  assert.deepEqual(
    answer.value.service.map(({ name }) => name),
    ['inference.GRPCInferenceService', 'grpc.health.v1.Health', 'grpc.reflection.v1.ServerReflection'],
  );
});

test('a service, method, message, field or enum leads to its file, which has every method', async () => {
  const symbols = [
    'inference.GRPCInferenceService',
    'inference.GRPCInferenceService.ModelInfer',
    'inference.ModelInferRequest.InferInputTensor',
    'inference.ModelInferRequest.model_name',
    'inference.DataType',
  ];
  const answers = await ask(...symbols.map((value) => ({ case: 'fileContainingSymbol', value }) as const), {
    case: 'fileByFilename',
    value: 'open_inference.proto',
  });
  assert.equal(answers.length, symbols.length + 1);
  for (const answer of answers) {
    assert.equal(answer.case, 'fileDescriptorResponse');
    const [bytes = new Uint8Array(), ...others] = answer.value.fileDescriptorProto;
    assert.equal(others.length, 0);
    const file = fromBinary(FileDescriptorProtoSchema, bytes);
    assert.deepEqual([file.name, file.package, file.syntax], ['open_inference.proto', 'inference', 'proto3']);
    const stream = file.service[0]?.method.find(({ name }) => name === 'ModelStreamInfer');
    assert.deepEqual([stream?.clientStreaming, stream?.serverStreaming], [true, true]);
  }
});

test('what does not exist is not found, and the stream goes on', async () => {
  const answers = await ask(
    { case: 'fileContainingSymbol', value: 'inference.Other' },
    { case: 'fileContainingSymbol', value: 'inference.ModelInferRequest.other' },
    { case: 'fileContainingSymbol', value: '' },
    { case: 'fileByFilename', value: 'other.proto' },
    { case: 'allExtensionNumbersOfType', value: 'inference.Other' },
    {
      case: 'fileContainingExtension',
      value: {
        $typeName: 'grpc.reflection.v1.ExtensionRequest',
        containingType: 'inference.ModelConfig',
        extensionNumber: 1,
      },
    },
    { case: 'allExtensionNumbersOfType', value: 'inference.ModelConfig' },
  );
  const last = answers.pop();
  assert.equal(last?.case, 'allExtensionNumbersResponse');
  assert.deepEqual(last.value.extensionNumber, []);
  for (const answer of answers) {
    assert.equal(answer.case, 'errorResponse');
    assert.equal(answer.value.errorCode, Code.NotFound);
  }
});

test('the older name of the service', async () => {
  const request = create(ServerReflectionRequestSchema, {
    messageRequest: { case: 'listServices', value: '' },
  });
  const answer = await callRaw(grpcUrl, [framed(toBinary(ServerReflectionRequestSchema, request))], {
    path: '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo',
  });
  assert.equal(answer.status, '0');
  const { messageResponse } = fromBinary(ServerReflectionResponseSchema, answer.body.subarray(5));
  assert.equal(messageResponse.case, 'listServicesResponse');
});
