// The privacy modes over gRPC: what answers say, their length, and when they leave.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import {
  ModelInferRequestSchema,
  type ModelInferResponse,
  ModelInferResponseSchema,
} from '../../../src/protobuf/open_inference_pb.js';
import { testImages } from '../../support/packages/profiled-package.js';
import {
  assertStatus,
  callRaw,
  framed,
  grpcClients,
  grpcOutputs,
  inferRequest,
} from '../../support/service/grpc.js';
import { joinBytes } from '../../support/service/inference.js';
import { startTestService } from '../../support/service/service.js';

const scope = { after };
const privacyIntervalMs = 1;
const CLASSES = [
  'a',
  'a class',
  'a class with a name of more bytes than a varint of one byte counts: '.padEnd(150, '.'),
];
const start = async (config: object) => {
  const service = await startTestService(scope, { config: { grpc: true, ...config } });
  return { ...service, ...grpcClients(scope, service.grpcUrl) };
};
const off = await start({});
const coarse = await start({ privacy: 'coarse', privacyIntervalMs });
const strict = await start({ privacy: 'strict', privacyIntervalMs });
const images = await testImages(24);
const requests = images.map(({ png }) => inferRequest('BYTES', [1], joinBytes([png])));
const outputsOf = async ({ inference }: typeof off) =>
  Promise.all(requests.map(async (request) => grpcOutputs(await inference.modelInfer(request))));
const whole = await outputsOf(off);
assert.equal(
  new Set(whole.map(({ exit_index }) => exit_index?.data[0])).size,
  3,
  'the images leave at every exit',
);

test('strict: the class alone, in messages of one length', async () => {
  for (const [index, outputs] of (await outputsOf(strict)).entries()) {
    const { label, class_index, certified } = whole[index] ?? {};
    assert.deepEqual(outputs, { label, class_index, certified });
  }
  const lengths = new Set<number>();
  for (const request of requests) {
    const message = toBinary(ModelInferRequestSchema, create(ModelInferRequestSchema, request));
    const { body, status } = await callRaw(strict.grpcUrl, [framed(message)]);
    assert.equal(status, '0');
    lengths.add(body.length);
  }
  assert.equal(lengths.size, 1, `${[...lengths]}`);
});

test('strict: metadata without the other outputs, no statistics, no options that show the exit', async () => {
  const { inference } = strict;
  const { outputs } = await inference.modelMetadata({ name: 'tiny' });
  const names = outputs.map(({ name }) => name);
  assert.deepEqual(names, ['label', 'class_index', 'certified']);
  const { config } = await inference.modelConfig({ name: 'tiny' });
  assert.deepEqual(
    config?.output.map(({ name }) => name),
    names,
  );
  await assertStatus(inference.modelStatistics({ name: 'tiny' }), Code.Unimplemented, 'not-found');
  const [png] = images.map((image) => image.png);
  const asking = (rest: object) =>
    inference.modelInfer(inferRequest('BYTES', [1], joinBytes([png ?? Buffer.alloc(0)]), rest));
  await assertStatus(asking({ outputs: [{ name: 'exit_index' }] }), Code.InvalidArgument, 'invalid-body');
  const maxExit = { parameterChoice: { case: 'int64Param', value: 0n } } as const;
  await assertStatus(asking({ parameters: { max_exit: maxExit } }), Code.InvalidArgument, 'invalid-body');
});

test('coarse: every output, probabilities of two decimals', async () => {
  for (const [index, outputs] of (await outputsOf(coarse)).entries()) {
    const { probabilities, ...rest } = outputs;
    const { probabilities: exact, ...others } = whole[index] ?? {};
    assert.deepEqual(rest, others);
    const values = (probabilities?.data ?? []) as number[];
    assert.equal(values.length, exact?.data.length);
    for (const [at, value] of values.entries()) {
      assert.equal(value, Math.fround(Number((exact?.data[at] as number).toFixed(2))));
    }
  }
});

test('an answer over gRPC leaves at an opening, as all others do', async () => {
  const [request] = requests;
  for (const privacy of ['coarse', 'strict']) {
    const { inference } = await start({ privacy, privacyIntervalMs: 150 });
    await inference.modelInfer(request ?? {});
    const started = performance.now();
    await inference.modelInfer(request ?? {});
    // Alone on the server, the call itself begins the openings. Timers may be early by a millisecond.
    assert.ok(performance.now() - started >= 148, `${privacy}: ${performance.now() - started} ms`);
  }
});

test('filled messages are read as others, whatever the lengths of the classes', async () => {
  const { writeEqualLength, writeInferResponse } = await import('../../../src/http/grpc/infer-messages.js');
  const lengths = new Set<number>();
  for (const [index, label] of CLASSES.entries()) {
    const result = {
      model: 'm',
      version: '1',
      classes: CLASSES,
      outputs: [
        { name: 'label', datatype: 'BYTES', shape: [1], values: [label] },
        { name: 'class_index', datatype: 'INT32', shape: [1], values: [index] },
      ] as const,
    };
    const bytes = toBinary(ModelInferResponseSchema, writeEqualLength(result, 'id'));
    lengths.add(bytes.length);
    const { $unknown: _, ...read }: ModelInferResponse = fromBinary(ModelInferResponseSchema, bytes);
    const { $unknown: __, ...plain } = fromBinary(
      ModelInferResponseSchema,
      toBinary(ModelInferResponseSchema, writeInferResponse(result, 'id')),
    );
    assert.deepEqual(read, plain);
  }
  assert.equal(lengths.size, 1, `${[...lengths]}`);
});
