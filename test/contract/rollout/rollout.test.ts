// Packages are added, replaced and removed while the server runs: no request fails, every answer belongs to one version,
// and what is refused changes nothing.
import assert from 'node:assert/strict';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { memoryUsage } from 'node:process';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { GoldenDocument } from '../../../src/format/golden.js';
import type { ServedModel } from '../../../src/serving/catalog.js';
import type { Prediction } from '../../../src/serving/prediction.js';
import { createCount } from '../../support/engines/counting-engine.js';
import { createDirector, marked } from '../../support/engines/directed-engine.js';
import { fromPixels } from '../../support/images/images.js';
import type { NetworkOptions } from '../../support/packages/network.js';
import { readJson, writeListed } from '../../support/packages/packages.js';
import { testImages, writeProfiledPackage } from '../../support/packages/profiled-package.js';
import { assertProblem, classify, predict } from '../../support/service/requests.js';
import { startProcess } from '../../support/service/serve-process.js';
import { startTestService, type TestService, until } from '../../support/service/service.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const ROLLOUTS = 50;
const MIB = 1024 * 1024;
const images = await testImages(8);
const [first = { pixels: new Uint8Array(), png: Buffer.alloc(0) }] = images;
const { png } = first;

/** Versions 1, 2 and 3 of `tiny`, each with other weights, and another network as version 2. */
const store = temporaryFolder();
const made: [string, NetworkOptions][] = [
  ['1', { version: '1', seed: 1 }],
  ['2', { version: '2', seed: 2 }],
  ['3', { version: '3', seed: 3 }],
  ['other-2', { version: '2', seed: 4, width: 6 }],
];
for (const [name, options] of made) await writeProfiledPackage(join(store, name), options);
const stored = (name: string) => join(store, name, 'tiny', name.replace('other-', ''));

/** Whether both are answers of the same network; those of different networks differ by more. */
const agree = (one: Prediction, other: Prediction) =>
  one.label === other.label && Math.abs(one.confidence - other.confidence) < 1e-5;

/** A service whose models folder has some of the versions. */
async function serving(
  t: TestContext,
  versions: readonly string[],
  options: Parameters<typeof startTestService>[1] = {},
) {
  const models = temporaryFolder();
  for (const version of versions)
    await cp(stored(version), join(models, 'tiny', version), { recursive: true });
  const service = await startTestService(t, { ...options, config: { ...options.config, models } });
  const folder = (version: string) => join(models, 'tiny', version);
  const pin = join(models, 'tiny', 'default-version');
  return { ...service, models, folder, pin, ...reading(service) };
}

function reading({ url, log, classifier }: TestService) {
  return {
    refused: () => classifier.refused().map(({ name, version, reason }) => `${name}/${version}: ${reason}`),
    errors: () => log.filter(({ level }) => Number(level) >= 50).map(({ reason }) => `${reason}`),
    said: (message: string) => log.filter(({ msg }) => msg === message).length,
    version: async () => (await predict(url, png)).model.version,
    list: async () =>
      (await (await fetch(`${url}/models`)).json()) as {
        models: { version: string; isDefault: boolean }[];
        refused: { name: string; version: string; reason: string }[];
      },
  };
}

/** As an operator does it: copied under a hidden name, then renamed. */
async function publish(package_: string, target: string): Promise<void> {
  const hidden = join(target, '..', '.incoming');
  await cp(stored(package_), hidden, { recursive: true });
  await rename(hidden, target);
}

const collectGarbage = (() => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
})();

/** A version and the graphs of its segments, which are most of its memory. */
function buffersOf(model: ServedModel): WeakRef<object>[] {
  return [model, ...model.segments.map(({ graph }) => graph.buffer)].map((held) => new WeakRef<object>(held));
}

/** How many are still held by something. What a promise or a timer holds takes some turns to become garbage. */
async function countKept(references: readonly WeakRef<object>[]): Promise<number> {
  let kept = references.length;
  for (let attempt = 0; attempt < 40 && kept > 0; attempt++) {
    await sleep(50);
    collectGarbage();
    kept = references.filter((reference) => reference.deref() !== undefined).length;
  }
  return kept;
}

test(`${ROLLOUTS} rollouts and rollbacks under load: no request fails, no answer mixes versions, memory is given back`, async (t) => {
  const { engineModule, sessions } = createCount();
  const config = { workers: 2 };
  const { url, classifier, folder, pin, samples } = await serving(t, ['1'], { engineModule, config });
  const expected = new Map<string, readonly Prediction[]>();
  const learn = async (version: string) =>
    expected.set(version, await Promise.all(images.map((image) => predict(url, image.png, { version }))));
  await learn('1');
  const atFirst = sessions();
  let isOver = false;
  t.after(async () => {
    isOver = true;
  });
  const seen = new Map<string, number>();
  const failed: unknown[] = [];
  const client = async () => {
    for (let sent = 0; !isOver; sent++) {
      const index = sent % images.length;
      const answer = await predict(url, images[index]?.png ?? png);
      const { version } = answer.model;
      seen.set(version, (seen.get(version) ?? 0) + 1);
      for (const [known, predictions] of expected) {
        const [same] = predictions.slice(index);
        assert.ok(same);
        assert.equal(agree(answer, same), known === version, `an answer of ${version}, not of ${known}`);
      }
    }
  };
  await publish('2', folder('2'));
  await classifier.reload();
  await learn('2');
  const clients = [client(), client(), client()].map((one) => one.catch((error) => failed.push(error)));
  const memory: number[] = [];
  const retired: WeakRef<object>[] = [];
  for (let round = 0; round < ROLLOUTS; round++) {
    assert.equal((await predict(url, png)).model.version, '2', 'the next request gets the new version');
    retired.push(...buffersOf(classifier.catalog.find('tiny', '2')));
    if (round % 2 === 0) await writeFile(pin, '1');
    else await rm(folder('2'), { recursive: true });
    await classifier.reload();
    assert.equal((await predict(url, png)).model.version, '1', 'the next request gets the old version');
    await rm(pin, { force: true });
    if (round % 2 === 0) await rm(folder('2'), { recursive: true });
    await classifier.reload();
    memory.push(memoryUsage().rss);
    if (round === ROLLOUTS - 1) break;
    await publish('2', folder('2'));
    await classifier.reload();
  }
  isOver = true;
  await Promise.all(clients);
  assert.deepEqual(failed, []);
  for (const version of ['1', '2']) {
    assert.ok((seen.get(version) ?? 0) > ROLLOUTS / 2, `${seen.get(version)} answers of ${version}`);
  }
  await until(() => sessions() === atFirst);
  assert.ok(retired.length > ROLLOUTS);
  assert.equal(await countKept(retired), 0, 'nothing holds the network of a version that has left');
  // Of the whole process, workers included: in the middle and at the end, each time just after a rollback, and the lowest of
  // ten rounds, because what is no longer needed is freed from time to time.
  const lowest = (end: number) => Math.min(...memory.slice(end - 10, end)) / MIB;
  const grown = lowest(ROLLOUTS) - lowest(ROLLOUTS / 2);
  t.diagnostic(`memory grew by ${grown.toFixed(0)} MiB over the last ${ROLLOUTS / 2} rollouts`);
  assert.ok(grown < 100, `memory grew by ${grown} MiB`);
  const { sum } = await samples();
  assert.equal(sum('rdi_model_reloads_total', { model: 'tiny', result: 'added' }), ROLLOUTS);
  assert.equal(sum('rdi_model_reloads_total', { model: 'tiny', result: 'removed' }), ROLLOUTS);
  assert.equal(sum('rdi_rejections_total'), 0);
});

test('a version replaced in place: requests in flight end on the old one, which is then released', async (t) => {
  const director = createDirector(t);
  const { url, classifier, folder, said, samples } = await serving(t, ['2'], {
    engineModule: director.engineModule,
    config: { workers: 2 },
  });
  const before = await predict(url, png);
  const started = (await director.runs()).length;
  await director.hold();
  const held = predict(url, png);
  await until(async () => (await director.runs()).length > started);
  await rm(folder('2'), { recursive: true });
  await publish('other-2', folder('2'));
  const reloaded = classifier.reload();
  await director.release();
  assert.ok(agree(await held, before));
  await reloaded;
  const after = await predict(url, png);
  assert.equal(after.model.version, '2');
  assert.ok(!agree(after, before));
  await until(() => said('old version released') === 1);
  assert.equal(said('version replaced'), 1);
  const bucket = { version: '2', le: `${after.flops.executed}` };
  assert.equal(
    (await samples()).sum('rdi_request_flops_bucket', bucket),
    1,
    'it has buckets for its own costs',
  );
});

test('a half-copied package is refused until it is complete, logged once per state, and disturbs nothing', async (t) => {
  const { url, folder, errors, list, version, samples, said } = await serving(t, ['1'], {
    config: { reloadSeconds: 0.02 },
  });
  const refusedNow = async () => (await list()).refused.map(({ reason }) => reason).join();
  await mkdir(folder('2'));
  await until(async () => (await refusedNow()) === 'manifest.json is missing.');
  assert.equal((await samples()).sum('rdi_model_info', { version: '2', status: 'refused' }), 1);
  const part = async (file: string, share: number) => {
    const whole = await readFile(join(stored('2'), file));
    await writeFile(join(folder('2'), file), whole.subarray(0, whole.length * share));
  };
  await part('manifest.json', 0.5);
  await until(async () => (await refusedNow()).startsWith('manifest.json is not JSON'));
  await part('manifest.json', 1);
  await part('model.onnx', 0.5);
  await until(async () => /^\S+ (is missing|has \d+ bytes)/.test(await refusedNow()));
  assert.equal(await version(), '1');
  for (const file of await readdir(stored('2'))) await part(file, 1);
  await until(async () => (await version()) === '2');
  assert.equal(await refusedNow(), '');
  const { sum } = await samples();
  assert.equal(sum('rdi_model_info', { version: '2', status: 'refused' }), 0);
  assert.equal(sum('rdi_model_info', { version: '2', status: 'served' }), 1);
  assert.equal(new Set(errors()).size, errors().length, 'each state is logged once');
  assert.equal(said('version added'), 1);
  assert.equal((await classify(url, png, { version: '1' })).status, 200);
});

test('a package that a worker refuses is loaded as soon as it is mended', async (t) => {
  const { folder, errors, refused, version } = await serving(t, ['1'], { config: { reloadSeconds: 0.02 } });
  const whole = await readFile(join(stored('2'), 'golden.json'), 'utf8');
  const golden = JSON.parse(whole) as GoldenDocument;
  const cases = golden.cases.map(({ pixels, logits }) => ({ pixels, logits: logits.toReversed() }));
  const hidden = folder('.incoming');
  await cp(stored('2'), hidden, { recursive: true });
  await writeListed(hidden, 'golden.json', JSON.stringify({ ...golden, cases }));
  await rename(hidden, folder('2'));
  await until(() => refused().length > 0);
  assert.match(refused()[0] ?? '', /^tiny\/2: golden\.json is not reproduced/);
  assert.equal(await version(), '1');
  await writeListed(folder('2'), 'golden.json', whole);
  await until(async () => (await version()) === '2');
  assert.deepEqual(refused(), []);
  assert.equal(new Set(errors()).size, errors().length, 'each state is logged once');
});

test('a replacement that is refused leaves the version from before in service', async (t) => {
  const { url, classifier, folder, refused, said } = await serving(t, ['1', '2']);
  const before = await predict(url, png);
  await cp(join(stored('other-2'), 'manifest.json'), join(folder('2'), 'manifest.json'));
  await classifier.reload();
  assert.match(refused().join(), /^tiny\/2: \S+ (has \d+ bytes|is damaged)/);
  assert.ok(agree(await predict(url, png), before));
  await cp(stored('other-2'), folder('2'), { recursive: true });
  await classifier.reload();
  assert.deepEqual(refused(), []);
  assert.equal(said('version replaced'), 1);
  assert.ok(!agree(await predict(url, png), before));
});

test('a pin names the default version; without it, the newest is', async (t) => {
  const { url, classifier, folder, pin, refused, version, list, samples, errors } = await serving(t, [
    '1',
    '2',
  ]);
  const set = async (text: string) => {
    await writeFile(pin, text);
    await classifier.reload();
  };
  assert.equal(await version(), '2');
  await set('1\n');
  assert.equal(await version(), '1');
  assert.equal((await predict(url, png, { version: '2' })).model.version, '2', 'others are served by name');
  assert.deepEqual(
    (await list()).models.map((one) => [one.version, one.isDefault]),
    [
      ['1', true],
      ['2', false],
    ],
  );
  const pinned = { model: 'tiny', version: '1', pinned: 'true' };
  assert.equal((await samples()).sum('rdi_model_default_info', pinned), 1);
  await publish('3', folder('3'));
  await classifier.reload();
  assert.equal(await version(), '1', 'a newer version does not change a pinned model');

  for (const [text, reason] of [
    ['7', 'tiny/7: default-version names it, but there is no such version.'],
    ['', 'tiny/*: default-version is empty; it must contain the name of one version.'],
    ['a b', 'tiny/*: default-version contains "a b"; it must contain the name of one version.'],
  ] as const) {
    await set(text);
    assert.deepEqual(refused(), [reason]);
    assert.equal(await version(), '1', 'a wrong pin changes nothing');
  }
  assert.equal(errors().length, 3);
  await rm(folder('3'), { recursive: true });
  await classifier.reload();
  await set('3');
  assert.equal(await version(), '1');
  await publish('3', folder('3'));
  await classifier.reload();
  assert.equal(await version(), '3', 'a pin may come before its version');
  await rm(pin);
  await rm(folder('3'), { recursive: true });
  await classifier.reload();
  assert.deepEqual([await version(), refused()], ['2', []]);
});

test('a version whose folder is gone leaves, unless it is pinned or the last one of the default model', async (t) => {
  const { url, classifier, folder, pin, refused, version, models, samples } = await serving(t, ['1', '2'], {
    config: { defaultModel: 'tiny' },
  });
  const remove = async (directory: string) => {
    await rm(directory, { recursive: true });
    await classifier.reload();
  };
  await writeProfiledPackage(models, { name: 'other' });
  await classifier.reload();
  assert.equal((await predict(url, png, { model: 'other' })).model.name, 'other');
  await remove(join(models, 'other'));
  await assertProblem(await classify(url, png, { model: 'other' }), 'unknown-model');
  await until(async () => (await samples()).sum('rdi_predictions_total', { model: 'other' }) === 0);

  await writeFile(pin, '2');
  await remove(folder('2'));
  assert.deepEqual(refused(), [
    'tiny/2: Its folder is gone; it is served from memory because default-version names it.',
  ]);
  assert.equal(await version(), '2');
  await remove(pin);
  assert.deepEqual([await version(), refused()], ['1', []]);
  await assertProblem(await classify(url, png, { version: '2' }), 'unknown-model');

  await writeProfiledPackage(models, { name: 'other' });
  await remove(folder('1'));
  assert.deepEqual(refused(), [
    'tiny/1: Its folder is gone; it is served from memory because it is the last version of the default model.',
  ]);
  assert.equal(await version(), '1');
  await publish('1', folder('1'));
  await classifier.reload();
  assert.deepEqual(refused(), []);
});

test('an empty or missing models folder, as of a lost mount, takes nothing out of service', async (t) => {
  const { url, classifier, models, refused, errors } = await serving(t, ['1', '2']);
  await rename(models, `${models}-away`);
  t.after(() => rm(`${models}-away`, { recursive: true, force: true }));
  for (let times = 0; times < 2; times++) await classifier.reload();
  assert.match(refused().join(), /^\*\/\*: The models folder .* cannot be read: ENOENT/);
  await mkdir(models);
  for (let times = 0; times < 2; times++) await classifier.reload();
  assert.deepEqual(refused(), ['*/*: The models folder has no package; those that are served stay.']);
  assert.equal(errors().length, 2, 'each state is logged once');
  for (const version of ['1', '2']) await predict(url, png, { version });
  await rm(models, { recursive: true });
  await rename(`${models}-away`, models);
  await classifier.reload();
  assert.deepEqual(refused(), []);
});

test('a worker that dies before it has loaded a new version is replaced by one that has it', async (t) => {
  const director = createDirector(t);
  const { url, classifier, folder, version, said, samples } = await serving(t, ['1'], {
    engineModule: director.engineModule,
    config: { workers: 2 },
  });
  const started = (await director.runs()).length;
  await director.hold();
  const deadly = fromPixels(marked(first.pixels, 'exit-once'), 16, 16, 3).png().toBuffer();
  const lost = predict(url, await deadly);
  await until(async () => (await director.runs()).length > started);
  await publish('2', folder('2'));
  const reloaded = classifier.reload();
  await director.release();
  await Promise.all([lost, reloaded]);
  await until(() => said('worker replaced') === 1);
  for (let request = 0; request < 8; request++) assert.equal(await version(), '2');
  assert.equal((await samples()).sum('rdi_rejections_total'), 0);
});

test('a package that kills the worker which loads it is refused, and requests are answered meanwhile', async (t) => {
  const director = createDirector(t);
  const { url, classifier, folder, refused, said, version } = await serving(t, ['1'], {
    engineModule: director.engineModule,
    config: { workers: 2, reloadSeconds: 0 },
  });
  const hidden = folder('.incoming');
  await cp(stored('2'), hidden, { recursive: true });
  const golden = await readJson<GoldenDocument>(join(hidden, 'golden.json'));
  const cases = golden.cases.map(({ pixels, logits }) => {
    const deadly = marked(Buffer.from(pixels, 'base64'), 'exit');
    return { pixels: Buffer.from(deadly).toString('base64'), logits };
  });
  await writeListed(hidden, 'golden.json', JSON.stringify({ ...golden, cases }));
  await rename(hidden, folder('2'));
  const reloaded = classifier.reload();
  for (let request = 0; request < 8; request++) assert.equal(await version(), '1');
  await reloaded;
  assert.deepEqual(refused(), ['tiny/2: A worker died while it loaded the network.']);
  await until(() => said('worker replaced') === 1);
  await Promise.all(images.map((image) => predict(url, image.png)));
});

test('SIGTERM while a version is being loaded: requests are answered, exit code 0', async (t) => {
  const models = temporaryFolder();
  await cp(stored('1'), join(models, 'tiny', '1'), { recursive: true });
  const director = createDirector(t);
  const script = [fileURLToPath(new URL('../../support/engines/serve-directed.js', import.meta.url))];
  const environment = { RDI_TEST_ENGINE: director.engineModule };
  const server = await startProcess(t, models, ['--reload-seconds', '0'], { environment, script });
  const started = (await director.runs()).length;
  await director.hold();
  await publish('2', join(models, 'tiny', '2'));
  server.child.kill('SIGHUP');
  await until(async () => (await director.runs()).length > started);
  const waiting = predict(server.url, png);
  await until(async () =>
    (await (await fetch(`${server.url}/metrics`)).text()).includes('rdi_queue_depth 1\n'),
  );
  server.child.kill('SIGTERM');
  await until(() => server.logged('draining').length === 1);
  await director.release();
  assert.ok(['1', '2'].includes((await waiting).model.version));
  const { code, signal, stderr } = await server.ended;
  assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
  assert.deepEqual(server.logged('model refused'), []);
});
