// The inference protocol's infer on the short path gives the answers that Fastify gives, or leaves the request to it.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import {
  assertProtocolProblem,
  type Input,
  inferenceImages,
  outputsOf,
} from '../../support/service/inference.js';
import { startTestService, until } from '../../support/service/service.js';

const service = await startTestService({ after });
const { url, log } = service;
const { images, own, raw } = await inferenceImages(service);

/** Only Fastify takes a request whose content type has a parameter. */
const ways = {
  short: 'application/octet-stream',
  fastify: 'application/octet-stream; by=fastify',
};

interface Sent {
  readonly path?: string;
  readonly input?: Partial<Input>;
  readonly message?: object;
  readonly contentType: string;
  readonly requestId?: string;
}

function send({ path = '/v2/models/tiny/infer', input, message, contentType, requestId = 'given' }: Sent) {
  const described = { name: 'image', datatype: 'FP32', shape: own, ...input };
  const inputs = [{ ...described, parameters: { binary_data_size: raw.length } }];
  const json = Buffer.from(JSON.stringify({ ...message, inputs }));
  return fetch(url + path, {
    method: 'POST',
    body: Buffer.concat([json, raw]),
    headers: {
      'content-type': contentType,
      'inference-header-content-length': `${json.length}`,
      'x-request-id': requestId,
    },
  });
}

function headersOf({ headers }: Response) {
  const { date, ...others } = Object.fromEntries(headers);
  return others;
}

test('both ways give the same answer with the same headers, whatever is asked', async () => {
  const requests = [
    {},
    { path: '/v2/models/tiny/versions/1/infer' },
    { message: { id: 'mine', parameters: { profile: 'full', binary_data_output: true } } },
    { message: { outputs: [{ name: 'label' }, { name: 'flops', parameters: { binary_data: true } }] } },
    { message: { outputs: [{ name: 'probabilities', parameters: { classification: 3 } }] } },
  ];
  for (const request of requests) {
    const [short, fastify] = await Promise.all(
      [ways.short, ways.fastify].map((contentType) => send({ ...request, contentType })),
    );
    assert.ok(short && fastify);
    assert.deepEqual(headersOf(short), headersOf(fastify));
    const outputs = await outputsOf(short);
    assert.deepEqual(outputs, await outputsOf(fastify));
    assert.equal(Object.values(outputs)[0]?.shape[0], images.length);
  }
});

test('a request that fails has the same problem on both ways', async () => {
  const requests = [
    { request: { path: '/v2/models/none/infer' }, type: 'unknown-model' },
    { request: { path: '/v2/models/tiny/versions/9/infer' }, type: 'unknown-model' },
    { request: { input: { datatype: 'FP64' } }, type: 'invalid-body' },
    { request: { input: { shape: [1, ...own.slice(1)] } }, type: 'invalid-body' },
    { request: { message: { parameters: { max_exit: -1 } } }, type: 'invalid-body' },
  ] as const;
  for (const { request, type } of requests) {
    const texts = await Promise.all(
      Object.values(ways).map(async (contentType) =>
        assertProtocolProblem(await send({ ...request, contentType }), type),
      ),
    );
    assert.equal(texts[0], texts[1]);
  }
});

test('an address that needs decoding is answered too', async () => {
  const [plain, encoded] = await Promise.all(
    ['/v2/models/tiny/infer', '/v2/models/%74iny/infer'].map(async (path) =>
      outputsOf(await send({ path, contentType: ways.short })),
    ),
  );
  assert.deepEqual(encoded, plain);
});

test('the log names the route as for every other request', async () => {
  for (const [way, contentType] of Object.entries(ways)) await send({ contentType, requestId: way });
  const linesOf = (way: string) => log.filter(({ requestId, msg }) => requestId === way && msg === 'request');
  await until(() => Object.keys(ways).every((way) => linesOf(way).length > 0));
  const [short, fastify] = Object.keys(ways).map((way) =>
    linesOf(way).map(({ method, route, status }) => ({ method, route, status })),
  );
  assert.deepEqual(short, [{ method: 'POST', route: '/v2/models/:model/infer', status: 200 }]);
  assert.deepEqual(fastify, short);
});
