// POST /classify/batch: order, one prediction or problem per image, limits, and the same answers as single requests.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type Type from 'typebox';
import type { BatchResponse } from '../../../src/http/routes/classify-batch.js';
import { testImages } from '../../support/packages/profiled-package.js';
import {
  assertProblem,
  assertProblemBody,
  classifyBatch,
  post,
  predict,
} from '../../support/service/requests.js';
import { startTestService } from '../../support/service/service.js';

const { url, samples } = await startTestService(
  { after },
  { config: { maxBatchImages: 64, maxImageBytes: 4000, maxBatchBytes: 100_000 } },
);
const images = await testImages(64);
const files = images.map(({ png }) => png);
const [png = Buffer.alloc(0)] = files;

async function resultsOf(response: Response): Promise<Type.Static<typeof BatchResponse>['results']> {
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return (JSON.parse(text) as Type.Static<typeof BatchResponse>).results;
}

test('64 images are answered in order, each as in a single request', async (t) => {
  const warned = t.mock.method(process, 'emitWarning', () => {});
  for (const query of [{ topK: 3 }, { profile: 'patience' }, { profile: 'second-only', maxExit: 1 }]) {
    const results = await resultsOf(await classifyBatch(url, files, query));
    assert.equal(results.length, 64);
    for (const [index, { prediction, problem }] of results.entries()) {
      const alone = await predict(url, files[index] as Buffer, query);
      assert.equal(problem, undefined);
      assert.deepEqual(
        [prediction?.label, prediction?.exit.index, prediction?.exit.reason, prediction?.flops],
        [alone.label, alone.exit.index, alone.exit.reason, alone.flops],
      );
      // Kernels may round differently for other batch sizes.
      assert.ok(Math.abs((prediction?.confidence ?? 0) - alone.confidence) < 1e-5);
    }
  }
  assert.deepEqual(warned.mock.calls, [], 'Node has nothing to complain about');
});

test('a failed image has a problem at its position; the others have predictions', async () => {
  const before = await samples();
  const encoded = [
    png.toString('base64'),
    'not base64',
    png.subarray(0, 60).toString('base64'),
    png.toString('base64url').replace(/=+$/, '_'),
    '',
    Buffer.from('just a line of text').toString('base64'),
    Buffer.alloc(4001).toString('base64'),
    png.toString('base64'),
  ];
  const body = JSON.stringify({ images: encoded });
  const results = await resultsOf(await post(`${url}/classify/batch`, body, 'application/json'));
  const types = [
    undefined,
    'invalid-body',
    'undecodable-image',
    'invalid-body',
    'invalid-body',
    'undecodable-image',
    'body-too-large',
    undefined,
  ] as const;
  assert.equal(results.length, types.length);
  for (const [index, type] of types.entries()) {
    const { prediction, problem } = results[index] ?? {};
    assert.equal(prediction === undefined, problem !== undefined, 'exactly one of the two');
    if (type === undefined) assert.ok(prediction);
    else assertProblemBody(problem as NonNullable<typeof problem>, type);
    assert.equal(problem?.requestId, undefined, 'the header has the id of the whole request');
  }
  assert.deepEqual(results[0]?.prediction?.exit, results[7]?.prediction?.exit);
  const now = await samples();
  for (const [reason, count] of [
    ['invalid-body', 3],
    ['undecodable-image', 2],
    ['body-too-large', 1],
  ] as const) {
    const counted = (at: typeof now) => at.sum('rdi_rejections_total', { reason });
    assert.equal(counted(now) - counted(before), count, reason);
  }
});

test('an error of the whole request refuses all its images', async () => {
  const to = `${url}/classify/batch`;
  const json = 'application/json';
  const one = JSON.stringify({ images: [png.toString('base64')] });
  const cases = [
    [await classifyBatch(url, [...files, png]), 'invalid-body'],
    [await post(to, JSON.stringify({ images: [] }), json), 'invalid-body'],
    [await post(to, JSON.stringify({ images: 'AAAA' }), json), 'invalid-body'],
    [await post(to, JSON.stringify({ images: [1] }), json), 'invalid-body'],
    [await post(to, JSON.stringify({ images: [null] }), json), 'invalid-body'],
    [await post(to, JSON.stringify({}), json), 'invalid-body'],
    [await post(to, JSON.stringify([]), json), 'invalid-body'],
    [await post(to, 'null', json), 'invalid-body'],
    [await post(to, JSON.stringify({ images: ['AAAA'], more: 1 }), json), 'invalid-body'],
    [await post(to, '{"images":["AAAA"],"__proto__":{"polluted":true}}', json), 'invalid-body'],
    [await post(to, '{"images":["AAAA"],"constructor":{"prototype":{}}}', json), 'invalid-body'],
    [await post(to, '{"images":[', json), 'invalid-body'],
    [await post(to, '', json), 'invalid-body'],
    [await post(to, `${'['.repeat(50_000)}`, json), 'invalid-body'],
    [await post(to, one, 'text/plain'), 'unsupported-media-type'],
    [await post(to, png, 'image/png'), 'unsupported-media-type'],
    [await post(to, JSON.stringify({ images: ['A'.repeat(100_000)] }), json), 'body-too-large'],
    [await classifyBatch(url, files, { topK: 0 }), 'invalid-query'],
    [await classifyBatch(url, files, { model: 'none' }), 'unknown-model'],
  ] as const;
  for (const [response, type] of cases) await assertProblem(response, type);
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
  for (const intricate of [
    `{"images":${'['.repeat(5000)}${']'.repeat(5000)}}`,
    JSON.stringify({ images: Array.from({ length: 1001 }, () => ({})) }),
    JSON.stringify(Object.fromEntries(Array.from({ length: 1001 }, (_, index) => [index, 0]))),
  ]) {
    const { detail } = (await (await post(to, intricate, json)).json()) as { detail: string };
    assert.match(detail, /structure/);
  }
  assert.equal((await post(to, one, `${json}; charset=utf-8`)).status, 200);
});
