// What the gRPC form refuses: the right status with the text, nothing kept, nothing that hangs.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { connect, constants } from 'node:http2';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { Code } from '@connectrpc/connect';
import { createApiKey } from '../../../src/access/keys-file.js';
import { createUniform } from '../../../src/foundation/random.js';
import { createDirector } from '../../support/engines/directed-engine.js';
import { testImages } from '../../support/packages/profiled-package.js';
import {
  assertStatus,
  callRaw,
  encoded,
  framed,
  grpcClients,
  INFER,
  type InferRequest,
  inferRequest,
} from '../../support/service/grpc.js';
import { joinBytes } from '../../support/service/inference.js';
import { sendRaw } from '../../support/service/requests.js';
import { startTestService, until } from '../../support/service/service.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const LIMIT = 400_000;
const MAX_IMAGE = 200_000;
const scope = { after };
const service = await startTestService(scope, {
  config: { grpc: true, maxImageBytes: MAX_IMAGE, maxBatchBytes: LIMIT, maxBytesInFlight: 2 * LIMIT },
});
const { grpcUrl, classifier, config, samples } = service;
const { inference } = grpcClients(scope, grpcUrl);
const [image] = await testImages(1);
const png = image?.png ?? Buffer.alloc(0);
const one = [1, 3, 16, 16];
const zeros = Buffer.alloc(768 * 4);
const good = inferRequest('BYTES', [1], joinBytes([png]));

async function assertNothingKept(): Promise<void> {
  const now = await samples();
  assert.equal(now.sum('rdi_in_flight') + now.sum('rdi_in_flight_bytes') + now.sum('rdi_queue_depth'), 0);
}

test('lying lengths, shapes and fields: InvalidArgument with what is wrong', async () => {
  const parameter = (value: bigint) => ({ parameterChoice: { case: 'int64Param', value } }) as const;
  const cases: [RegExp, InferRequest][] = [
    [/says 768 elements of FP32; 767 arrived/, inferRequest('FP32', one, zeros.subarray(4))],
    [/says 768 elements of FP32; 767\.75 arrived/, inferRequest('FP32', one, zeros.subarray(1))],
    [/not \[1,3,16,17\]/, inferRequest('FP32', [1, 3, 16, 17], zeros)],
    [/images; 1 to 64/, inferRequest('FP32', [2 ** 53, 3, 16, 16], zeros)],
    [/says -1 images/, inferRequest('FP32', [-1, 3, 16, 16], zeros)],
    [/not as "FP64"/, inferRequest('FP64', one, zeros)],
    [/end within element 0 of 1/, inferRequest('BYTES', [1], Buffer.from([255, 255, 255, 255, 1]))],
    [/Element 5 of image 0 is NaN/, inferRequest('FP32', one, withNaN(5))],
    [/has no data/, inferRequest('FP32', one, [{}])],
    [/has no data/, inferRequest('FP32', one, [{ contents: {} }])],
    [/has int_contents; it needs uint_contents/, typed('UINT8', { intContents: [0] })],
    [/has fp32_contents; it needs raw_input_contents/, typed('FP16', { fp32Contents: [0] })],
    [
      /has uint64_contents; it needs fp32_contents/,
      typed('FP32', { fp32Contents: [0], uint64Contents: [0n] }),
    ],
    [
      /256 is no element of UINT8/,
      typed('UINT8', { uintContents: [256, ...new Array<number>(767).fill(0)] }),
    ],
    [/is Infinity/, typed('FP32', { fp32Contents: new Array<number>(768).fill(Number.POSITIVE_INFINITY) })],
    [/says 2 images; 1 arrived/, inferRequest('BYTES', [2], [{ contents: { bytesContents: [png] } }])],
    [/1 inputs and 2 raw_input_contents/, { ...good, rawInputContents: [png, png] }],
    [/both contents and raw/, { ...typed('FP32', { fp32Contents: [0] }), rawInputContents: [zeros] }],
    [/one input, "image"; none arrived/, { modelName: 'tiny' }],
    [/no output "äß % "/, { ...good, outputs: [{ name: 'äß % ' }] }],
    [/"max_flop" is not known/, { ...good, parameters: { max_flop: parameter(1n) } }],
    [/max_exit: the final exit/, { ...good, parameters: { max_exit: parameter(9n) } }],
    [/no output "nothing"/, { ...good, outputs: [{ name: 'nothing' }] }],
  ];
  for (const [message, request] of cases) {
    const text = await assertStatus(inference.modelInfer(request), Code.InvalidArgument, 'invalid-body');
    assert.match(text, message);
  }
  await assertNothingKept();
});

function typed(datatype: string, contents: object): InferRequest {
  return inferRequest(datatype, one, [{ contents }]);
}

function withNaN(at: number): Buffer {
  const values = new Float32Array(768);
  values[at] = Number.NaN;
  return Buffer.from(values.buffer);
}

test('what /classify refuses, with its problem type', async () => {
  const refuse = (request: InferRequest, code: Code, type: string) =>
    assertStatus(inference.modelInfer(request), code, type);
  const no = Buffer.from('no');
  await refuse(inferRequest('BYTES', [1], joinBytes([no])), Code.InvalidArgument, 'undecodable-image');
  const two = inferRequest('BYTES', [2], joinBytes([png, no]));
  assert.match(await refuse(two, Code.InvalidArgument, 'undecodable-image'), /^Image 1, counted from 0: /);
  const large = inferRequest('BYTES', [1], joinBytes([Buffer.alloc(MAX_IMAGE + 1)]));
  await refuse(large, Code.ResourceExhausted, 'body-too-large');
  await refuse({ ...good, modelName: 'other' }, Code.NotFound, 'unknown-model');
  const admitted = classifier.admit(config.maxInFlight);
  const { headers, status } = await callRaw(grpcUrl, [framed(encoded(good))]);
  await refuse(good, Code.Unavailable, 'saturated');
  admitted.leave();
  assert.deepEqual([status, headers['grpc-retry-pushback-ms']], ['14', '1000']);
  await inference.modelInfer(good);
  await assertNothingKept();
});

test('a message over the limit is refused by its prefix, before it arrives; and one that unpacks to more', async () => {
  const prefixAlone = await callRaw(grpcUrl, [framed(Buffer.alloc(0), LIMIT + 1)], { isOpen: true });
  assert.equal(prefixAlone.status, '8');
  assert.match(prefixAlone.message, new RegExp(`has ${LIMIT + 1} bytes; at most ${LIMIT}`));
  // The connection goes on.
  const large = inferRequest('BYTES', [1], joinBytes([Buffer.alloc(4 * LIMIT)]));
  await assertStatus(inference.modelInfer(large), Code.ResourceExhausted, 'body-too-large');
  await inference.modelInfer(good);
  const packed = gzipSync(Buffer.alloc(LIMIT + 1));
  const headers = { 'grpc-encoding': 'gzip' };
  const unpacked = await callRaw(grpcUrl, [framed(packed, packed.length, 1)], { headers });
  assert.deepEqual([unpacked.status, /larger than/.test(unpacked.message)], ['8', true]);
  await assertNothingKept();
});

test('messages that wait for their end hold what their prefix says, and no more are taken than there is room for', async () => {
  const session = connect(grpcUrl);
  const waiting = [1, 2].map(() => {
    const stream = session.request({ ':method': 'POST', ':path': INFER, 'content-type': 'application/grpc' });
    stream.on('error', () => {});
    stream.write(framed(Buffer.alloc(1), LIMIT));
    return stream;
  });
  const kept = async () => (await samples()).sum('rdi_in_flight_bytes');
  await until(async () => (await kept()) === 2 * LIMIT);
  await assertStatus(inference.modelInfer(good), Code.Unavailable, 'saturated');
  for (const stream of waiting) stream.close(constants.NGHTTP2_CANCEL);
  await until(async () => (await kept()) === 0);
  session.close();
  await inference.modelInfer(good);
});

test('what is no call, no method, or no message', async () => {
  const message = encoded(good);
  const cases: [string, RegExp, Buffer, Parameters<typeof callRaw>[2]?][] = [
    ['12', /no method/, framed(message), { path: '/inference.GRPCInferenceService/ModelLoad' }],
    ['12', /no method/, framed(message), { path: '/' }],
    ['3', /grpc-timeout/, framed(message), { headers: { 'grpc-timeout': '1h' } }],
    ['12', /not "snappy"/, framed(message, message.length, 1), { headers: { 'grpc-encoding': 'snappy' } }],
    ['3', /gzip/, framed(message, message.length, 1), { headers: { 'grpc-encoding': 'gzip' } }],
    ['3', /0 or 1, whether it is compressed, not 7/, framed(message, message.length, 7)],
    ['3', /ended after 0 bytes/, Buffer.alloc(0)],
    ['3', /ended after 4 bytes/, Buffer.alloc(4)],
    ['3', /before the end of its message/, framed(message, message.length + 1)],
    ['3', /More than one message/, Buffer.concat([framed(message), framed(message)])],
    ['3', /no inference\.ModelInferRequest/, framed(Buffer.from([0x2a, 0xff, 0xff, 0xff, 0xff, 0x0f]))],
    ['3', /one input, "image"; none/, framed(Buffer.from([0x0a, 4, ...Buffer.from('tiny')]))],
    ['3', /names no model/, framed(Buffer.alloc(0))],
  ];
  for (const [status, text, body, options] of cases) {
    const answer = await callRaw(grpcUrl, [body], options);
    assert.deepEqual(
      [answer.status, text.test(answer.message)],
      [status, true],
      `${text}: ${answer.message}`,
    );
  }
  const { headers } = await callRaw(grpcUrl, [Buffer.from('{}')], {
    headers: { 'content-type': 'application/json' },
  });
  assert.equal(headers[':status'], 415);
  const get = await callRaw(grpcUrl, [], { headers: { ':method': 'GET' } });
  assert.equal(get.headers[':status'], 405);
  await sendRaw(Number(new URL(grpcUrl).port), 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'); // the connection is closed
  await inference.modelInfer(good);
  await assertNothingKept();
});

test('more structure than a request has is refused before it is in memory', async () => {
  const tiny = new BinaryWriter();
  // Empty inputs take two bytes each.
  for (let count = 0; count < 2 ** 17 + 1; count++) tiny.uint32(0x2a).uint32(0);
  const big = new BinaryWriter().tag(5, 2).fork().tag(5, 2).fork().tag(5, 2);
  const integers = big
    .bytes(Buffer.alloc(2 ** 17 + 1))
    .join()
    .join();
  for (const message of [tiny.finish(), integers.finish()]) {
    const answer = await callRaw(grpcUrl, [framed(message)]);
    assert.deepEqual([answer.status, /far more structure/.test(answer.message)], ['3', true], answer.message);
  }
  await assertNothingKept();
});

test('random and truncated messages have a client’s status, and leave nothing behind', async () => {
  const random = createUniform(31);
  const whole = framed(encoded(good));
  const session = connect(grpcUrl);
  for (let round = 0; round < 200; round++) {
    const body = Buffer.from(whole);
    const from = random() < 0.8 ? 5 : 0;
    const to = random() < 0.5 ? 60 : body.length;
    for (let change = 0; change < 1 + random() * 6; change++)
      body[from + Math.floor(random() * (to - from))] = random() * 256;
    const cut = body.subarray(0, random() < 0.5 ? body.length : Math.floor(random() * body.length));
    const stream = session.request({ ':method': 'POST', ':path': INFER, 'content-type': 'application/grpc' });
    const status = await new Promise<unknown>((resolve, reject) => {
      stream.on('response', (headers) => resolve(headers['grpc-status']));
      stream.on('trailers', (headers: Record<string, unknown>) => resolve(headers['grpc-status']));
      stream.on('error', reject);
      stream.resume();
      stream.end(cut);
    });
    assert.ok(
      status === undefined || ['0', '3', '5', '8', '12'].includes(String(status)),
      `round ${round}: ${status}`,
    );
  }
  session.close();
  await inference.modelInfer(good);
  await until(async () => (await samples()).sum('rdi_in_flight') === 0);
  await assertNothingKept();
});

test('API keys are needed for all but the probes', async (t) => {
  const { key, line } = createApiKey('tests');
  const apiKeysFile = join(temporaryFolder(), 'keys');
  await writeFile(apiKeysFile, line);
  const locked = await startTestService(t, { config: { grpc: true, apiKeysFile } });
  const clients = grpcClients(t, locked.grpcUrl);
  await clients.inference.serverLive({});
  await clients.inference.serverReady({});
  await clients.health.check({});
  const refuse = (call: Promise<unknown>) => assertStatus(call, Code.Unauthenticated, 'unauthorized');
  await refuse(clients.inference.modelInfer(good));
  await refuse(
    clients.inference.modelMetadata({ name: 'tiny' }, { headers: { authorization: 'Bearer no' } }),
  );
  const headers = { authorization: `Bearer ${key}` };
  await clients.inference.modelInfer(good, { headers });
  await until(() => locked.log.some(({ client }) => client === 'tests'));
});

test('a client over its budget is refused before its message; it is told when to call again', async (t) => {
  const { key, line } = createApiKey('limited');
  const apiKeysFile = join(temporaryFolder(), 'keys');
  await writeFile(apiKeysFile, `${line}\nlimited flops-per-second=1\n`);
  const { grpcUrl, log } = await startTestService(t, { config: { grpc: true, apiKeysFile } });
  const { inference } = grpcClients(t, grpcUrl);
  const headers = { authorization: `Bearer ${key}` };
  await inference.modelInfer(good, { headers });
  const refusals = Array.from({ length: 3 }, () =>
    assertStatus(inference.modelInfer(good, { headers }), Code.ResourceExhausted, 'budget-exceeded'),
  );
  for (const text of await Promise.all(refusals)) assert.match(text, /Retry in \d+\.\d{3} s\.$/);
  const unread = await callRaw(grpcUrl, [], { headers, isOpen: true });
  assert.ok(Number(unread.headers['grpc-retry-pushback-ms']) > 1_000_000);
  assert.deepEqual(
    [unread.status, unread.headers['problem-type']],
    ['8', 'urn:rdi-serve:problem:budget-exceeded'],
  );
  await until(() => log.filter(({ grpcStatus }) => grpcStatus === 'ResourceExhausted').length === 4);
  // A call whose deadline passes while its refusal waits.
  const [earlier, impatient] = await Promise.allSettled([
    inference.modelInfer(good, { headers }),
    inference.modelInfer(good, { headers, timeoutMs: 20 }),
  ]);
  assert.deepEqual([earlier.status, impatient.status], ['rejected', 'rejected']);
  await until(() => log.some(({ client, grpcStatus }) => client === 'limited' && grpcStatus === 'Canceled'));
});

test('a client that cancels, and a deadline that passes: the images are dropped; a call is counted once', async (t) => {
  const director = createDirector(t);
  const held = await startTestService(t, { config: { grpc: true }, engineModule: director.engineModule });
  const clients = grpcClients(t, held.grpcUrl);
  const inFlight = async (count: number) => (await held.samples()).sum('rdi_in_flight') === count;
  const two = inferRequest('BYTES', [2], joinBytes([png, png]));
  await director.hold();
  const leaving = new AbortController();
  const left = clients.inference.modelInfer(two, { signal: leaving.signal });
  await until(() => inFlight(2));
  leaving.abort();
  await assert.rejects(left);
  await until(() => inFlight(0));
  const late = await callRaw(held.grpcUrl, [framed(encoded(two))], { headers: { 'grpc-timeout': '50m' } });
  assert.equal(late.status, '4');
  assert.equal(late.headers['problem-type'], 'urn:rdi-serve:problem:deadline-exceeded');
  await until(() => inFlight(0));
  const parameters = { deadline_ms: { parameterChoice: { case: 'int64Param', value: 20n } } } as const;
  const own = clients.inference.modelInfer({ ...two, parameters });
  await assertStatus(own, Code.DeadlineExceeded, 'deadline-exceeded');
  await director.release();
  await clients.inference.modelInfer(two, { timeoutMs: 60_000 });
  const count = async (code: string) =>
    (await held.samples()).sum('grpc_server_handling_seconds_count', { grpc_code: code });
  assert.deepEqual([await count('Canceled'), await count('DeadlineExceeded'), await count('OK')], [1, 2, 1]);
});

test('a message that does not arrive in time', async (t) => {
  const slow = await startTestService(t, { config: { grpc: true, requestTimeoutSeconds: 1 } });
  const answer = await callRaw(slow.grpcUrl, [framed(encoded(good)).subarray(0, 20)], { isOpen: true });
  assert.deepEqual(
    [answer.status, answer.headers['problem-type']],
    ['4', 'urn:rdi-serve:problem:request-timeout'],
  );
  assert.equal((await slow.samples()).sum('rdi_in_flight_bytes'), 0);
});

test('closing: a call that has begun is answered, idle connections end', async (t) => {
  const director = createDirector(t);
  const closing = await startTestService(t, { config: { grpc: true }, engineModule: director.engineModule });
  const clients = grpcClients(t, closing.grpcUrl);
  const idle = connect(closing.grpcUrl);
  const idleClosed = new Promise((resolve) => idle.on('close', resolve));
  await director.hold();
  const begun = clients.inference.modelInfer(good);
  await until(async () => (await closing.samples()).sum('rdi_in_flight') === 1);
  const closed = closing.grpc?.close();
  await idleClosed;
  await director.release();
  assert.equal((await begun).modelName, 'tiny');
  await closed;
  await assert.rejects(callRaw(closing.grpcUrl, [framed(encoded(good))]));
});
