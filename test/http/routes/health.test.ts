// GET /livez and /readyz; draining changes only readiness.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testImages } from '../../support/packages/profiled-package.js';
import { assertProblem, predict } from '../../support/service/requests.js';
import { startTestService } from '../../support/service/service.js';

test('alive and ready from the first answer; while draining alive, not ready, and still serving', async (t) => {
  const { url, drain } = await startTestService(t);
  const [image] = await testImages(1);
  assert.ok(image);
  const get = async (path: string) => {
    const response = await fetch(url + path);
    return [response.status, await response.json()];
  };
  const reason = 'The engine onnx is demanded.';
  const passedOver = ['tensorflow', 'wasm'].map((engine) => ({ engine, code: 'not-demanded', reason }));
  const engine = { name: 'onnx', device: 'cpu', workers: 1, passedOver };
  assert.deepEqual(await get('/readyz'), [200, { status: 'ready', engine }]);
  assert.deepEqual(await get('/livez'), [200, { status: 'alive' }]);
  drain();
  await assertProblem(await fetch(`${url}/readyz`), 'shutting-down');
  assert.deepEqual(await get('/livez'), [200, { status: 'alive' }]);
  assert.equal((await predict(url, image.png, { profile: 'full' })).exit.index, 2);
});

test('HEAD answers as GET does, without a body', async (t) => {
  const { url } = await startTestService(t);
  for (const path of ['/livez', '/readyz', '/models', '/models/tiny', '/metrics']) {
    const [head, get] = [await fetch(url + path, { method: 'HEAD' }), await fetch(url + path)];
    assert.deepEqual([head.status, await head.text()], [200, '']);
    assert.equal(head.headers.get('content-type'), get.headers.get('content-type'));
    await get.text();
  }
});
