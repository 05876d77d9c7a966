// GET /models and /models/{name}: the served models, and why packages are refused.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type Type from 'typebox';
import type * as schemas from '../../../src/http/routes/models.js';
import { testImages, writeProfiledPackage } from '../../support/packages/profiled-package.js';
import { assertProblem, predict } from '../../support/service/requests.js';
import { startTestService } from '../../support/service/service.js';

type Model = Type.Static<typeof schemas.Model>;
type ModelList = Type.Static<typeof schemas.ModelList>;

const { url, samples } = await startTestService(
  { after },
  {
    writePackages: async (directory) => {
      await writeProfiledPackage(directory, { version: '1.9' });
      await writeProfiledPackage(directory, { version: '1.10', seed: 2 });
      const broken = await writeProfiledPackage(directory, { name: 'broken' });
      await rm(join(broken.package.directory, 'golden.json'));
    },
  },
);

const get = async <Body>(path: string): Promise<Body> => {
  const response = await fetch(url + path);
  assert.equal(response.status, 200);
  return (await response.json()) as Body;
};

test('the list has every model, oldest version first, and each refused package with a sentence', async () => {
  const { defaultModel, models, refused } = await get<ModelList>('/models');
  assert.equal(defaultModel, 'tiny');
  assert.deepEqual(
    models.map(({ name, version }) => `${name}/${version}`),
    ['tiny/1.9', 'tiny/1.10'],
  );
  assert.deepEqual(
    refused.map(({ name, version }) => `${name}/${version}`),
    ['broken/1'],
  );
  assert.match(refused[0]?.reason ?? '', /^[^\n]*golden\.json[^\n]*\.$/);
  const scraped = await samples();
  assert.equal(scraped.sum('rdi_model_info', { model: 'tiny', engine: 'onnx', status: 'served' }), 2);
  assert.equal(scraped.sum('rdi_model_info', { model: 'broken', status: 'refused' }), 1);
});

test('one model: the newest or the named version, as in the list', async () => {
  const { models } = await get<ModelList>('/models');
  assert.deepEqual(await get<Model>('/models/tiny'), models[1]);
  assert.deepEqual(await get<Model>('/models/tiny?version=1.9'), models[0]);
  for (const path of [
    '/models/none',
    '/models/tiny?version=2',
    '/models/broken',
    '/models/%00',
    '/models/',
    `/models/${'a'.repeat(256)}`,
  ]) {
    await assertProblem(await fetch(url + path), 'unknown-model');
  }
  await assertProblem(await fetch(`${url}/models/tiny?verion=1.9`), 'invalid-query');
  await assertProblem(await fetch(`${url}/models?name=tiny`), 'invalid-query');
});

test('the costs of a profile’s exits equal the costs in the answers', async () => {
  const model = await get<Model>('/models/tiny');
  assert.deepEqual(model.input, { height: 16, width: 16, channels: 3, resize: 'fill' });
  assert.equal(model.classes.length, 10);
  assert.equal(model.defaultProfile, 'default');
  assert.deepEqual(model.engine, { name: 'onnx', device: 'cpu' });
  for (const profile of model.profiles) {
    const taken = new Set<number>();
    for (const { png } of await testImages(30)) {
      const { exit, flops } = await predict(url, png, { profile: profile.name });
      const announced = profile.exits.find(({ index }) => index === exit.index);
      assert.deepEqual([announced?.flops, announced?.threshold], [flops.executed, exit.threshold]);
      assert.equal(model.flops, flops.full);
      taken.add(exit.index);
    }
    // With patience, exits can agree only from the second one on.
    const reachable = profile.exits.filter(({ index }) => profile.policy !== 'patience' || index > 0);
    assert.equal(taken.size, reachable.length, `${profile.name} uses its exits`);
  }
  assert.deepEqual(
    model.profiles.map(({ name, exits }) => [name, exits.map(({ index }) => index)]),
    [
      ['default', [0, 1, 2]],
      ['softmax', [0, 1, 2]],
      ['margin', [0, 1, 2]],
      ['patience', [0, 1, 2]],
      ['second-only', [1, 2]],
      ['full', [2]],
    ],
  );
});
