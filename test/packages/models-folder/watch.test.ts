// Looking for changes of a models folder: what is being changed is in flux until two checks find the same.
import assert from 'node:assert/strict';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Survey, surveyModels } from '../../../src/packages/models-folder/survey.js';
import { watchModels } from '../../../src/packages/models-folder/watch.js';
import { until } from '../../support/service/service.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

/** A models folder with a/1, a watch whose checks the test makes one by one, and what each check says. */
async function watched(t: { after(end: () => void): void }) {
  const models = temporaryFolder();
  const folder = join(models, 'a', '1');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'manifest.json'), '{}');
  const seen: Survey[] = [];
  const checks = { made: 0 };
  let goOn: (() => void) | undefined;
  const end = watchModels({
    async survey() {
      checks.made++;
      return surveyModels(models);
    },
    first: await surveyModels(models),
    intervalSeconds: 0.001,
    onSurvey(survey) {
      seen.push(survey);
      return new Promise((resolve) => {
        goOn = resolve;
      });
    },
  });
  t.after(end);
  async function check(): Promise<{ versions: string[]; inFlux: string[]; pin: string | undefined }> {
    const before = seen.length;
    goOn?.();
    await until(() => seen.length > before);
    const { versions, inFlux, pins } = seen.at(-1) as Survey;
    return { versions: [...versions.keys()], inFlux: [...inFlux], pin: pins.get('a')?.text };
  }
  return { models, folder, check, checks };
}

test('a version that appears, changes or disappears is in flux until the next check finds the same', async (t) => {
  const { models, folder, check } = await watched(t);
  const still = (versions: string[]) => ({ versions, inFlux: [], pin: undefined });
  assert.deepEqual(await check(), still(['a/1']));
  const changes: [() => Promise<unknown>, string[]][] = [
    [() => writeFile(join(folder, 'manifest.json'), '{ }'), ['a/1']],
    [() => writeFile(join(folder, 'model.onnx'), 'x'), ['a/1']],
    [() => mkdir(join(models, 'a', '2')), ['a/1', 'a/2']],
    [() => writeFile(join(models, 'a', '2', 'manifest.json'), '{'), ['a/1', 'a/2']],
    [() => rename(join(models, 'a', '2'), join(models, 'a', '10')), ['a/1', 'a/10']],
    [() => rm(folder, { recursive: true }), ['a/10']],
  ];
  for (const [change, after] of changes) {
    await change();
    const { inFlux, versions } = await check();
    assert.deepEqual(versions, after);
    assert.ok(inFlux.length > 0);
    assert.deepEqual(await check(), still(after));
  }
});

test('a pin is in flux until the next check finds the same', async (t) => {
  const { models, check } = await watched(t);
  await check();
  const pin = join(models, 'a', 'default-version');
  for (const text of ['1', '2']) {
    await writeFile(pin, `${text}\n`);
    assert.deepEqual(await check(), { versions: ['a/1'], inFlux: ['a'], pin: text });
    assert.deepEqual(await check(), { versions: ['a/1'], inFlux: [], pin: text });
  }
  await rm(pin);
  assert.deepEqual(await check(), { versions: ['a/1'], inFlux: ['a'], pin: undefined });
});

test('a models folder that cannot be read for a while is not reported, and looked at again', async (t) => {
  const { models, check, checks } = await watched(t);
  await check();
  await rename(models, `${models}-away`);
  const next = check();
  const before = checks.made;
  await until(() => checks.made > before + 2);
  await rename(`${models}-away`, models);
  assert.deepEqual((await next).versions, ['a/1']);
});
