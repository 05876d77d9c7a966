// GET /models/{name}/examples/{file}, and what GET /models says a model expects: of the shipped models, as they are.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Static } from 'typebox';
import { createApiKey } from '../../../src/access/keys-file.js';
import type { ModelList } from '../../../src/http/routes/models.js';
import { assertProblem, post } from '../../support/service/requests.js';
import { startTestService } from '../../support/service/service.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const apiKeysFile = join(temporaryFolder(), 'keys');
const { key, line } = createApiKey('reader');
await writeFile(apiKeysFile, line);
const { url } = await startTestService({ after }, { config: { models: 'models', apiKeysFile } });
const headers = { authorization: `Bearer ${key}` };
const get = (path: string) => fetch(url + path, { headers });
const { models } = (await (await get('/models')).json()) as Static<typeof ModelList>;

test('each shipped model says what it expects, and gives its examples; the answer to each is its label', async () => {
  assert.equal(models.length, 3);
  for (const { name, version, expects, examples, classes, input } of models) {
    assert.match(expects ?? '', /^One .*\.$/);
    assert.ok(examples.length >= 4, name);
    for (const { file, label } of examples) {
      assert.ok(classes.includes(label));
      const response = await get(`/models/${name}/examples/${file}`);
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('content-type'), 'image/png');
      assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
      const bytes = Buffer.from(await response.arrayBuffer());
      assert.deepEqual(bytes, await readFile(join('models', name, version, 'examples', file)));
      const answered = await post(`${url}/classify?model=${name}`, bytes, 'image/png', headers);
      const answer = (await answered.json()) as { label: string; inverted?: boolean };
      assert.equal(answer.label, label, `${name}, ${file}`);
      assert.equal(answer.inverted ?? false, file === 'black-on-white-3.png');
    }
    assert.equal(input.polarity, name === 'mnist-smallcnn' ? 'auto' : undefined);
  }
});

test('what is no example is not found', async () => {
  const { detail } = await assertProblem(await get('/models/mnist-smallcnn/examples/none.png'), 'not-found');
  assert.match(detail, /^mnist-smallcnn\/2 has no example "none\.png"; these are: easy-7\.png, /);
  for (const file of ['..%2fmanifest.json', 'model.onnx', '%2e%2e%2fmodel.onnx', 'toString']) {
    await assertProblem(await get(`/models/mnist-smallcnn/examples/${file}`), 'not-found');
  }
  await assertProblem(await get('/models/none/examples/easy-7.png'), 'unknown-model');
  await assertProblem(await get('/models/mnist-smallcnn/examples/easy-7.png?version=9'), 'unknown-model');
  await assertProblem(await get('/models/mnist-smallcnn/examples/easy-7.png?v=2'), 'invalid-query');
  assert.equal((await get('/models/mnist-smallcnn/examples/easy-7.png?version=2')).status, 200);
});

test('an example is for those who have a key', async () => {
  await assertProblem(await fetch(`${url}/models/mnist-smallcnn/examples/easy-7.png`), 'unauthorized');
});
