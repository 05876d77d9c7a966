// Query parameters that are unknown, repeated or out of range: 400 with the name of the parameter.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testImages } from '../../support/packages/profiled-package.js';
import { assertProblem, classify, classifyBatch, post } from '../../support/service/requests.js';
import { startTestService } from '../../support/service/service.js';

const { url } = await startTestService({ after });
const [image] = await testImages(1);
const png = image?.png ?? Buffer.alloc(0);

const values: [string, string[]][] = [
  ['topK', ['0', '1e9', '1.5', 'abc', '', '-1', '100001', 'NaN', 'Infinity', '1,2', '0x2', ' 2', '1e0']],
  ['maxExit', ['-1', '99', '0.5', 'last', '1e400']],
  ['maxFlops', ['0', '1', '-5', 'lots', '1e17']],
  ['deadlineMs', ['0', '-1', 'NaN', 'Infinity', '600001', '5s']],
  ['profile', ['no-such', '', '__proto__', 'constructor', 'x'.repeat(65)]],
  ['model', ['x'.repeat(65)]],
  ['version', ['x'.repeat(65)]],
];

for (const [key, wrong] of values) {
  test(`${key}: ${wrong.map((value) => `"${value.slice(0, 12)}"`).join(', ')}`, async () => {
    for (const value of wrong) {
      const { detail } = await assertProblem(await classify(url, png, { [key]: value }), 'invalid-query');
      assert.match(detail, new RegExp(`\\b${key}\\b`), `${key}=${value} is named`);
      await assertProblem(await classifyBatch(url, [png], { [key]: value }), 'invalid-query');
    }
  });
}

test('every unknown key is named in the answer', async () => {
  for (const key of ['topk', 'top_k', 'x', '__proto__', 'constructor', 'toString', 'a[b]', '"><b>', '']) {
    const query = `${encodeURIComponent(key)}=1`;
    const response = await post(`${url}/classify?topK=2&${query}`, png, 'image/png');
    const { detail } = await assertProblem(response, 'invalid-query');
    assert.ok(detail.startsWith(key), detail);
  }
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
});

test('a repeated key is refused, even with the same value', async () => {
  for (const query of ['topK=1&topK=1', 'model=tiny&model=tiny', 'profile=full&profile=default']) {
    await assertProblem(await post(`${url}/classify?${query}`, png, 'image/png'), 'invalid-query');
  }
});

test('percent signs that encode nothing are text', async () => {
  await assertProblem(await post(`${url}/classify?model=%zz`, png, 'image/png'), 'unknown-model');
  await assertProblem(await post(`${url}/classify?model=%ff%fe`, png, 'image/png'), 'unknown-model');
  await assertProblem(await post(`${url}/classify?profile=%00`, png, 'image/png'), 'invalid-query');
});

test('the ends of the ranges are valid', async () => {
  for (const query of [{ topK: 1 }, { topK: 10 }, { maxExit: 0 }, { maxExit: 2 }, { deadlineMs: 600_000 }]) {
    assert.equal((await classify(url, png, query)).status, 200);
  }
  assert.equal((await classify(url, png, { maxFlops: Number.MAX_SAFE_INTEGER })).status, 200);
  assert.equal((await classify(url, png, { topK: '2.0', deadlineMs: '60000.5' })).status, 200);
  assert.equal((await post(`${url}/classify?`, png, 'image/png')).status, 200);
});
