// ModelInfer: the same answers as POST /classify gives, in every form of the input and the outputs.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { fromBinary } from '@bufbuild/protobuf';
import { ModelInferResponseSchema } from '../../../src/protobuf/open_inference_pb.js';
import {
  callRaw,
  encoded,
  framed,
  grpcClients,
  grpcOutputs,
  type InferRequest,
  inferRequest,
} from '../../support/service/grpc.js';
import { inferenceImages, joinBytes, outputsLike } from '../../support/service/inference.js';
import { startTestService, until } from '../../support/service/service.js';

const scope = { after };
const { url, grpcUrl, classifier, samples, log } = await startTestService(scope, { config: { grpc: true } });
const { inference } = grpcClients(scope, grpcUrl);
const { images, answers, pixels, values, raw, own } = await inferenceImages({ url, classifier });
const infer = async (request: InferRequest) => grpcOutputs(await inference.modelInfer(request));

const expected = outputsLike(answers);

test('encoded images, pixels and the network’s own values, raw and typed, have /classify’s answers', async () => {
  const pngs = images.map(({ png }) => png);
  const texts = pngs.map((png) => Buffer.from(png.toString('base64')));
  const base64 = {
    parameters: { content_type: { parameterChoice: { case: 'stringParam', value: 'base64' } } },
  } as const;
  const ways: [string, InferRequest][] = [
    ['BYTES', inferRequest('BYTES', [8], joinBytes(pngs))],
    ['BYTES, typed', inferRequest('BYTES', [8, 1], [{ contents: { bytesContents: pngs } }])],
    ['BYTES in base64', inferRequest('BYTES', [8], [{ ...base64, contents: { bytesContents: texts } }])],
    [
      'BYTES in base64, raw',
      { ...inferRequest('BYTES', [8], [base64]), rawInputContents: [joinBytes(texts)] },
    ],
    ['UINT8', inferRequest('UINT8', [8, 16, 16, 3], pixels)],
    ['UINT8, typed', inferRequest('UINT8', [8, 16, 16, 3], [{ contents: { uintContents: [...pixels] } }])],
    ['FP32', inferRequest('FP32', own, raw)],
    ['FP32, typed', inferRequest('FP32', own, [{ contents: { fp32Contents: [...values] } }])],
    [
      'FP32 beside empty contents',
      { ...inferRequest('FP32', own, [{ contents: {} }]), rawInputContents: [raw] },
    ],
  ];
  for (const [name, request] of ways) assert.deepEqual(await infer(request), expected, name);
  const { png } = images[3] ?? { png: Buffer.alloc(0) };
  const one = await infer(inferRequest('BYTES', [1], joinBytes([png])));
  assert.deepEqual(one['probabilities']?.data, expected.probabilities.data.slice(30, 40));
});

test('a message in pieces of any size, and packed with gzip', async () => {
  const message = encoded(inferRequest('FP32', own, raw));
  const whole = framed(message);
  const sizes = [[1, 2, 1, 1, 3], [4], [5], [6, 16_000], [whole.length - 1], [whole.length]];
  for (const cuts of sizes) {
    const pieces: Buffer[] = [];
    let at = 0;
    for (const size of [...cuts, whole.length]) {
      if (at < whole.length) pieces.push(whole.subarray(at, at + size));
      at += size;
    }
    const { status, body, headers } = await callRaw(grpcUrl, pieces);
    assert.equal(status, '0', `${cuts}`);
    assert.equal(headers['content-type'], 'application/grpc');
    assert.deepEqual(grpcOutputs(fromBinary(ModelInferResponseSchema, body.subarray(5))), expected);
  }
  const packed = gzipSync(message);
  const { status, body } = await callRaw(grpcUrl, [framed(packed, packed.length, 1)], {
    headers: { 'grpc-encoding': 'gzip', 'content-type': 'application/grpc+proto' },
  });
  assert.equal(status, '0');
  assert.deepEqual(grpcOutputs(fromBinary(ModelInferResponseSchema, body.subarray(5))), expected);
});

test('outputs, parameters, an id and a version', async () => {
  const { flops, label } = expected;
  const two = { outputs: [{ name: 'flops' }, { name: 'label' }] };
  assert.deepEqual(await infer(inferRequest('FP32', own, raw, two)), { flops, label });
  const classes = {
    name: 'probabilities',
    parameters: { classification: { parameterChoice: { case: 'int64Param', value: 2n } } },
  } as const;
  const { probabilities } = await infer(inferRequest('FP32', own, raw, { outputs: [classes] }));
  const texts = answers.flatMap(({ top }) =>
    top.slice(0, 2).map((one) => `${one.probability.toFixed(6)}:${one.classIndex}:${one.label}`),
  );
  assert.deepEqual(probabilities, { datatype: 'BYTES', shape: [8, 2], data: texts });

  const exitWith = async (parameters: NonNullable<InferRequest['parameters']>) =>
    (await infer(inferRequest('FP32', own, raw, { parameters })))['exit_index']?.data[0];
  const profile = { parameterChoice: { case: 'stringParam', value: 'full' } } as const;
  assert.equal(await exitWith({ profile }), 2);
  const first = { parameterChoice: { case: 'int64Param', value: 0n } } as const;
  assert.equal(await exitWith({ profile, max_exit: first }), 0);
  const cost = classifier.catalog.find('tiny').full.paths[1]?.at(-1)?.flops ?? 0;
  const whole = { parameterChoice: { case: 'doubleParam', value: cost } } as const;
  assert.equal(await exitWith({ profile, max_flops: whole }), 1);
  const timeout = { parameterChoice: { case: 'uint64Param', value: 60_000_000n } } as const;
  assert.equal(await exitWith({ profile, timeout, priority: first }), 2);

  const answer = await inference.modelInfer(
    inferRequest('FP32', own, raw, { id: 'mine', modelVersion: '1' }),
  );
  assert.deepEqual([answer.modelName, answer.modelVersion, answer.id], ['tiny', '1', 'mine']);
});

test('every image and every call is counted once, and logged with its request id', async () => {
  const labels = {
    grpc_service: 'inference.GRPCInferenceService',
    grpc_method: 'ModelInfer',
    grpc_code: 'OK',
  };
  const counts = async () => {
    const now = await samples();
    return [
      now.sum('rdi_predictions_total'),
      now.sum('rdi_flops_total'),
      now.sum('grpc_server_handling_seconds_count', labels),
      now.sum('grpc_server_handling_seconds_count'),
    ];
  };
  const before = await counts();
  await inference.modelInfer(inferRequest('FP32', own, raw), { headers: { 'x-request-id': 'counted' } });
  const spent = expected.flops.data.reduce((sum, one) => sum + one, 0);
  const grown = [8, spent, 1, 1].map((more, index) => (before[index] ?? 0) + more);
  await until(() => log.some(({ requestId }) => requestId === 'counted'));
  assert.deepEqual(await counts(), grown);
  const line = log.find(({ requestId }) => requestId === 'counted');
  assert.equal(line?.['route'], '/inference.GRPCInferenceService/ModelInfer');
  assert.equal(line['grpcStatus'], 'OK');
  const now = await samples();
  assert.equal(now.sum('rdi_in_flight') + now.sum('rdi_in_flight_bytes'), 0);
});
