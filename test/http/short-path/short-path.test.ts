// The short path of POST /classify gives the answers that Fastify gives, or leaves the request to it.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import type { Prediction } from '../../../src/serving/prediction.js';
import { testImages } from '../../support/packages/profiled-package.js';
import { scrape } from '../../support/service/exposition.js';
import { assertProblem, assertProblemBody } from '../../support/service/requests.js';
import { startTestService, until } from '../../support/service/service.js';

const { url, port, log } = await startTestService({ after });
const images = await testImages(8);

/** A request that only Fastify takes: it states a content type with a parameter. */
const FOR_FASTIFY = 'image/png; by=fastify';

async function answerOf(query: string, png: Buffer, contentType: string) {
  const response = await fetch(`${url}/classify${query}`, {
    method: 'POST',
    headers: { 'content-type': contentType, 'x-request-id': 'given' },
    body: png,
  });
  const { timing, ...answer } = (await response.json()) as Prediction;
  const { date, 'server-timing': serverTiming, ...headers } = Object.fromEntries(response.headers);
  assert.match(
    serverTiming ?? '',
    /^decode;dur=[\d.]+, queue;dur=[\d.]+, infer;dur=[\d.]+, total;dur=[\d.]+$/,
  );
  assert.deepEqual(Object.keys(timing), ['decodeMs', 'queueMs', 'inferMs', 'totalMs']);
  return { status: response.status, answer, headers: { ...headers, 'content-length': '' } };
}

test('both ways give the same answer with the same headers, whatever is asked', async () => {
  const queries = [
    '',
    '?',
    '?profile=full',
    '?topK=3&maxExit=1',
    '?model=tiny&version=1&deadlineMs=60000',
    '?explain=full',
  ];
  for (const query of queries) {
    for (const { png } of images) {
      assert.deepEqual(
        await answerOf(query, png, 'image/png'),
        await answerOf(query, png, FOR_FASTIFY),
        query,
      );
    }
  }
});

test('a query that is not valid is refused, also if its parameters are given twice', async () => {
  const png = images[0]?.png ?? Buffer.alloc(0);
  for (const query of [
    '?profile=default&profile=default',
    '?topK=1e0',
    '?topK=0',
    '?depth=1',
    '?profile=none',
  ]) {
    for (const contentType of ['image/png', FOR_FASTIFY]) {
      const sent = { method: 'POST', headers: { 'content-type': contentType }, body: png };
      await assertProblem(await fetch(`${url}/classify${query}`, sent), 'invalid-query');
    }
  }
});

test('a request that fails on the short path has one answer, one log line and one count, with one id', async () => {
  const count = async () => (await scrape(url)).sum('rdi_rejections_total', { reason: 'undecodable-image' });
  const before = await count();
  const response = await fetch(`${url}/classify`, {
    method: 'POST',
    headers: { 'content-type': 'image/png', 'x-request-id': 'broken' },
    body: Buffer.from('no image'),
  });
  assert.equal(response.headers.get('x-request-id'), 'broken');
  assertProblemBody((await response.json()) as never, 'undecodable-image');
  const lines = () => log.filter(({ requestId, msg }) => requestId === 'broken' && msg === 'request');
  await until(() => lines().length > 0);
  assert.deepEqual(
    lines().map(({ method, route, status }) => [method, route, status]),
    [['POST', '/classify', 422]],
  );
  assert.equal(await count(), before + 1);
});

test('a client that disconnects while it sends is logged as gone, and its bytes are given back', async () => {
  const socket = connect(port, '127.0.0.1');
  socket.write(
    'POST /classify HTTP/1.1\r\nhost: a\r\nx-request-id: gone\r\ncontent-type: image/png\r\ncontent-length: 1000\r\n\r\n',
  );
  const bytes = async () => (await scrape(url)).sum('rdi_in_flight_bytes');
  while ((await bytes()) !== 1000) await new Promise(setImmediate);
  socket.destroy();
  await until(() => log.some(({ requestId, status }) => requestId === 'gone' && status === 499));
  while ((await bytes()) !== 0) await new Promise(setImmediate);
});
