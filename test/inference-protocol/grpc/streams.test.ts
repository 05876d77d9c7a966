// ModelStreamInfer: each message as ModelInfer would answer it, in order, within bounds, and an end for every stream.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { connect, constants } from 'node:http2';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { fromBinary } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { createApiKey } from '../../../src/access/keys-file.js';
import { createUniform } from '../../../src/foundation/random.js';
import {
  type ModelStreamInferResponse,
  ModelStreamInferResponseSchema,
} from '../../../src/protobuf/open_inference_pb.js';
import { createDirector } from '../../support/engines/directed-engine.js';
import {
  assertStatus,
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
import { temporaryFolder } from '../../support/temporary-folder.js';

const LIMIT = 400_000;
const STREAM = '/inference.GRPCInferenceService/ModelStreamInfer';
const scope = { after };
const config = { grpc: true, maxImageBytes: LIMIT, maxBatchBytes: LIMIT, maxBytesInFlight: LIMIT };
const { url, grpcUrl, classifier, samples } = await startTestService(scope, { config });
const { inference } = grpcClients(scope, grpcUrl);
const { images, answers } = await inferenceImages({ url, classifier });
const pngs = images.map(({ png }) => png);
const single = (png: Uint8Array, rest: InferRequest = {}) =>
  inferRequest('BYTES', [1], joinBytes([png]), rest);
const singles = pngs.map((png, index) => single(png, { id: `image ${index}` }));
const [good = {}] = singles;
const bad: InferRequest = { ...good, id: 'bad', outputs: [{ name: 'nothing' }] };

async function all(
  requests: Iterable<InferRequest> | AsyncIterable<InferRequest>,
  {
    client = inference,
    ...options
  }: Parameters<typeof inference.modelStreamInfer>[1] & {
    client?: typeof inference;
  } = {},
): Promise<ModelStreamInferResponse[]> {
  const received: ModelStreamInferResponse[] = [];
  for await (const one of client.modelStreamInfer(iterate(requests), options)) received.push(one);
  return received;
}

async function* iterate(requests: Iterable<InferRequest> | AsyncIterable<InferRequest>) {
  yield* requests;
}

/** The messages of a raw answer. */
function messagesOf(body: Buffer): ModelStreamInferResponse[] {
  const messages: ModelStreamInferResponse[] = [];
  for (let at = 0; at < body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    messages.push(fromBinary(ModelStreamInferResponseSchema, body.subarray(at + 5, end)));
    at = end;
  }
  return messages;
}

async function assertNothingKept(): Promise<void> {
  const now = await samples();
  assert.equal(now.sum('rdi_in_flight') + now.sum('rdi_in_flight_bytes') + now.sum('rdi_queue_depth'), 0);
}

test('every message has /classify’s answer, in the order of the messages, with its id', async () => {
  const before = (await samples()).sum('rdi_predictions_total');
  const received = await all(singles);
  assert.deepEqual(
    received.map(({ inferResponse }) => inferResponse?.id),
    singles.map(({ id }) => id),
  );
  for (const [index, { errorMessage, inferResponse }] of received.entries()) {
    assert.equal(errorMessage, '');
    assert.ok(inferResponse);
    const { choice } = { choice: inferResponse.parameters['triton_final_response']?.parameterChoice };
    assert.deepEqual([choice?.case, choice?.value], ['boolParam', true]);
    assert.deepEqual(grpcOutputs(inferResponse), outputsLike(answers.slice(index, index + 1)));
  }
  const whole = await all([inferRequest('BYTES', [8], joinBytes(pngs))]);
  assert.deepEqual(whole[0]?.inferResponse && grpcOutputs(whole[0].inferResponse), outputsLike(answers));
  assert.equal((await samples()).sum('rdi_predictions_total'), before + 16);
  assert.deepEqual(await all([]), []);
  await assertNothingKept();
});

test('messages in pieces, several in a piece, and packed with gzip', async () => {
  const message = encoded(good);
  const packed = gzipSync(message);
  const three = Buffer.concat([framed(message), framed(packed, packed.length, 1), framed(message)]);
  const cut = (size: number) =>
    Array.from({ length: Math.ceil(three.length / size) }, (_, index) =>
      three.subarray(index * size, (index + 1) * size),
    );
  for (const pieces of [[three], cut(7), cut(message.length + 5), cut(message.length + 7)]) {
    const answer = await callRaw(grpcUrl, pieces, { path: STREAM, headers: { 'grpc-encoding': 'gzip' } });
    assert.equal(answer.status, '0', answer.message);
    const received = messagesOf(answer.body).map(({ inferResponse }) => inferResponse?.id);
    assert.deepEqual(received, ['image 0', 'image 0', 'image 0']);
  }
});

test('what is wrong with one message is its answer, and the stream goes on', async () => {
  const before = (await samples()).sum('rdi_rejections_total', { reason: 'invalid-body' });
  const received = await all([bad, good, single(Buffer.from('no image'), { id: 'no' }), good]);
  assert.deepEqual(
    received.map(({ inferResponse }) => inferResponse?.id),
    ['bad', 'image 0', 'no', 'image 0'],
  );
  assert.match(received[0]?.errorMessage ?? '', /no output "nothing"/);
  assert.match(received[2]?.errorMessage ?? '', /no image of a known format/);
  assert.deepEqual([received[1]?.errorMessage, received[3]?.errorMessage], ['', '']);
  assert.equal((await samples()).sum('rdi_rejections_total', { reason: 'invalid-body' }), before + 1);
  const nonsense = await callRaw(grpcUrl, [framed(Buffer.from([0x2a, 0xff])), framed(encoded(good))], {
    path: STREAM,
  });
  const [first, second] = messagesOf(nonsense.body);
  assert.match(first?.errorMessage ?? '', /no inference\.ModelInferRequest/);
  assert.deepEqual([second?.errorMessage, nonsense.status], ['', '0']);
  await assertNothingKept();
});

test('what cannot be read ends the stream, behind the answers to what could', async () => {
  const message = framed(encoded(good));
  const cases: [string, RegExp, Buffer][] = [
    ['3', /0 or 1, whether it is compressed, not 7/, framed(encoded(good), 1, 7)],
    ['3', /ended after 4 bytes/, Buffer.alloc(4)],
    ['3', /before the end of its message/, message.subarray(0, -1)],
    ['8', new RegExp(`has ${LIMIT + 1} bytes; at most ${LIMIT}`), framed(Buffer.alloc(0), LIMIT + 1)],
    ['12', /not "identity"/, framed(encoded(good), encoded(good).length, 1)],
  ];
  for (const [status, text, tail] of cases) {
    const answer = await callRaw(grpcUrl, [message, message, tail], { path: STREAM });
    assert.deepEqual([answer.status, text.test(answer.message)], [status, true], answer.message);
    assert.deepEqual(
      messagesOf(answer.body).map(({ errorMessage }) => errorMessage),
      ['', ''],
    );
  }
  await assertNothingKept();
});

test('a message for which there is no room is left out, and the stream goes on', async () => {
  const session = connect(grpcUrl);
  const waiting = session.request({ ':method': 'POST', ':path': STREAM, 'content-type': 'application/grpc' });
  waiting.on('error', () => {});
  waiting.write(framed(Buffer.alloc(1), LIMIT - 100));
  const kept = async () => (await samples()).sum('rdi_in_flight_bytes');
  await until(async () => (await kept()) === LIMIT - 100);
  const requests = new PassThrough({ objectMode: true });
  const received = inference.modelStreamInfer(iterate(requests))[Symbol.asyncIterator]();
  requests.write(inferRequest('BYTES', [8], joinBytes(pngs)));
  const refused = (await received.next()).value as ModelStreamInferResponse;
  assert.match(refused.errorMessage, /no room for this body/);
  waiting.close(constants.NGHTTP2_CANCEL);
  await until(async () => (await kept()) === 0);
  requests.end(good);
  assert.equal(((await received.next()).value as ModelStreamInferResponse).inferResponse?.id, 'image 0');
  assert.equal((await received.next()).done, true);
  session.close();
  await assertNothingKept();
});

test('random and truncated streams have a client’s status, and leave nothing behind', async () => {
  const random = createUniform(32);
  const whole = Buffer.concat([framed(encoded(good)), framed(encoded(bad))]);
  for (let round = 0; round < 60; round++) {
    const body = Buffer.from(whole);
    const to = random() < 0.5 ? 60 : body.length;
    for (let change = 0; change < 1 + random() * 6; change++)
      body[Math.floor(random() * to)] = random() * 256;
    const cut = body.subarray(0, random() < 0.5 ? body.length : Math.floor(random() * body.length));
    const { status } = await callRaw(grpcUrl, [cut], { path: STREAM });
    assert.ok(['0', '3', '8', '12'].includes(String(status)), `round ${round}: ${status}`);
  }
  await until(async () => (await samples()).sum('rdi_in_flight') === 0);
  await assertNothingKept();
});

async function startHeld(t: TestContext, more: object = {}) {
  const director = createDirector(t);
  const service = await startTestService(t, {
    config: { grpc: true, maxInFlight: 16, ...more },
    engineModule: director.engineModule,
  });
  const client = grpcClients(t, service.grpcUrl).inference;
  const inFlight = async (count: number) => (await service.samples()).sum('rdi_in_flight') === count;
  const count = async (grpc_code: string) =>
    (await service.samples()).sum('grpc_server_handling_seconds_count', { grpc_code });
  return { director, service, client, inFlight, count };
}

test('a stream has no more messages at once than there are places; its client waits, and is not refused', async (t) => {
  const { director, service, client, inFlight } = await startHeld(t);
  await director.hold();
  const ids = Array.from({ length: 100 }, (_, index) => `${100 + index}`);
  const received = all(
    ids.map((id) => ({ ...good, id })),
    { client },
  );
  await until(() => inFlight(16));
  assert.equal(
    (await service.samples()).sum('rdi_in_flight_bytes'),
    16 * encoded({ ...good, id: '100' }).length,
  );
  await director.release();
  const answered = await received;
  assert.deepEqual(
    answered.map(({ inferResponse, errorMessage }) => `${inferResponse?.id}${errorMessage}`),
    ids,
  );
});

test('an answer waits for those to earlier messages', async (t) => {
  const { director, client, inFlight } = await startHeld(t);
  await director.hold();
  const requests = new PassThrough({ objectMode: true });
  const received = all(iterate(requests), { client });
  requests.write(good);
  await until(() => inFlight(1));
  requests.end(bad);
  await director.release();
  assert.deepEqual(
    (await received).map(({ inferResponse }) => inferResponse?.id),
    ['image 0', 'bad'],
  );
});

test('a client that cancels, and a deadline that passes: the images are dropped', async (t) => {
  const { director, client, service, inFlight, count } = await startHeld(t);
  await director.hold();
  const leaving = new AbortController();
  const left = all(singles, { client, signal: leaving.signal });
  await until(() => inFlight(8));
  leaving.abort();
  await assert.rejects(left);
  await until(() => inFlight(0));
  const late = await callRaw(service.grpcUrl, [framed(encoded(good))], {
    path: STREAM,
    headers: { 'grpc-timeout': '50m' },
    isOpen: true,
  });
  assert.deepEqual(
    [late.status, late.headers['problem-type']],
    ['4', 'urn:rdi-serve:problem:deadline-exceeded'],
  );
  await until(() => inFlight(0));
  await until(async () => (await count('Canceled')) === 1 && (await count('DeadlineExceeded')) === 1);
});

test('a message must arrive in time, from its first byte; streams may wait between messages', async (t) => {
  const slow = await startTestService(t, { config: { grpc: true, requestTimeoutSeconds: 1 } });
  const client = grpcClients(t, slow.grpcUrl).inference;
  const requests = new PassThrough({ objectMode: true });
  const idle = all(iterate(requests), { client });
  const message = framed(encoded(good));
  const late = await callRaw(slow.grpcUrl, [message, message.subarray(0, 20)], {
    path: STREAM,
    isOpen: true,
  });
  assert.equal(late.headers['problem-type'], 'urn:rdi-serve:problem:request-timeout');
  assert.equal(messagesOf(late.body).length, 1);
  assert.equal((await slow.samples()).sum('rdi_in_flight_bytes'), 0);
  requests.end(good);
  assert.equal((await idle).length, 1);
});

test('closing: messages that have arrived are answered, then the stream ends as unavailable', async (t) => {
  const { director, client, service, inFlight } = await startHeld(t);
  await director.hold();
  const requests = new PassThrough({ objectMode: true });
  const received: ModelStreamInferResponse[] = [];
  const ended = (async () => {
    for await (const one of client.modelStreamInfer(iterate(requests))) received.push(one);
  })().catch((error: unknown) => ConnectError.from(error));
  requests.write(good);
  await until(() => inFlight(1));
  const closed = service.grpc?.close();
  await director.release();
  const error = await ended;
  assert.equal(error?.code, Code.Unavailable);
  assert.equal(error.metadata.get('problem-type'), 'urn:rdi-serve:problem:shutting-down');
  assert.deepEqual(
    received.map(({ inferResponse }) => inferResponse?.id),
    ['image 0'],
  );
  await closed;
});

test('API keys', async (t) => {
  const { key, line } = createApiKey('tests');
  const apiKeysFile = join(temporaryFolder(), 'keys');
  await writeFile(apiKeysFile, line);
  const locked = await startTestService(t, { config: { grpc: true, apiKeysFile } });
  const client = grpcClients(t, locked.grpcUrl).inference;
  await assertStatus(all([good], { client }), Code.Unauthenticated, 'unauthorized');
  const received = await all([good], { client, headers: { authorization: `Bearer ${key}` } });
  assert.equal(received.length, 1);
  await until(() => locked.log.some((entry) => entry['client'] === 'tests' && entry['route'] === STREAM));
});
