// The start: a model that cannot be served is refused in one sentence, and the others are served; a failed start leaves
// no thread running.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../src/foundation/errors.js';
import { faultyEngine } from '../support/engines/faulty-engine.js';
import { testImages, writeProfiledPackage } from '../support/packages/profiled-package.js';
import { assertProblem, classify, predict } from '../support/service/requests.js';
import { startTestService } from '../support/service/service.js';

const [image] = await testImages(1);
const png = image?.png ?? Buffer.alloc(0);

test('a model whose golden outputs are not reproduced is refused; the others are served', async (t) => {
  const { url, log } = await startTestService(t, {
    engineModule: faultyEngine({ wrong: '12' }),
    config: { workers: 2 },
    writePackages: async (directory) => {
      await writeProfiledPackage(directory, { name: 'tiny' });
      await writeProfiledPackage(directory, { name: 'a-wide', classes: 12 });
    },
  });
  const { defaultModel, models, refused } = (await (await fetch(`${url}/models`)).json()) as {
    defaultModel: string;
    models: { name: string }[];
    refused: { name: string; version: string; reason: string }[];
  };
  assert.equal(defaultModel, 'tiny');
  assert.deepEqual(
    models.map(({ name }) => name),
    ['tiny'],
  );
  assert.deepEqual(
    refused.map(({ name, version }) => [name, version]),
    [['a-wide', '1']],
  );
  assert.match(
    refused[0]?.reason ?? '',
    /^golden\.json is not reproduced at exit "exit-0": .* differ by 0\.100.*\.$/,
  );
  assert.equal(log.filter(({ msg }) => msg === 'model refused').length, 1);
  await predict(url, png);
  await assertProblem(await classify(url, png, { model: 'a-wide' }), 'unknown-model');
});

const noEngine = 'data:text/javascript,throw new Error("no such library\\nRequire stack: here")';
const failing: [string, Parameters<typeof startTestService>[1], RegExp][] = [
  [
    'every model refused',
    { engineModule: faultyEngine({ wrong: '0' }) },
    /^There is no model .*golden\.json/,
  ],
  ['an empty folder', { writePackages: async () => {} }, /^There is no model that can be served\.$/],
  ['no folder', { config: { models: '/nowhere/at/all' } }, /^The models folder "\/nowhere\/at\/all" /],
  ['an unknown default model', { config: { defaultModel: 'other' } }, /^The default model "other" is not /],
  ['an engine that cannot be loaded', { engineModule: noEngine }, /^The engine .*: no such library\.$/],
  [
    'no engine there',
    { engineModule: 'file:///nowhere/engine.js' },
    /^The engine cannot be started: .*engine\.js/,
  ],
  [
    'no engine in it',
    { engineModule: 'data:text/javascript,' },
    /^The engine .* createEngine is not a function\.$/,
  ],
  [
    'an engine that exits',
    { engineModule: 'data:text/javascript,process.exit(9)' },
    /^The engine .*exit code 9\.$/,
  ],
];

for (const [name, options, message] of failing) {
  test(`${name}: one sentence, and no thread is left`, async (t) => {
    const threads = countThreads();
    const start = startTestService(t, { ...options, config: { workers: 2, ...options?.config } });
    await assert.rejects(start, (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /\n|Require stack/);
      return true;
    });
    assert.equal(countThreads(), threads);
  });
}

/** Message ports of living workers. */
function countThreads(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length;
}

test('a closed service leaves no thread', async () => {
  const threads = countThreads();
  const closing: (() => Promise<void>)[] = [];
  await startTestService({ after: (close) => closing.push(close) }, { config: { workers: 2 } });
  assert.ok(countThreads() >= threads + 2);
  for (const close of closing.reverse()) await close();
  assert.equal(countThreads(), threads);
});
