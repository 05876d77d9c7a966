import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { createClient } from '../../src/access/client.js';
import { createConfig } from '../../src/config/config.js';
import { createLocalSubject } from '../../src/evaluation/local-subject.js';
import type { Evaluation } from '../../src/evaluation/report.js';
import { buildApp } from '../../src/http/app.js';
import { findPackage } from '../../src/packages/repository.js';
import { startService } from '../../src/serving/service.js';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { textured } from '../support/images/images.js';
import { writeTestPackage } from '../support/packages/network.js';
import { runNode } from '../support/service/serve-process.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { withoutProgress } from '../support/without-progress.js';
import { zipOf } from '../support/zip.js';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const logger = pino({ level: 'silent' });
const calibration = {
  formatVersion: 1 as const,
  defaultProfile: 'half',
  profiles: { half: { policy: 'entropy' as const, thresholds: [null, 0.6] } },
};
const IMAGES = 12;

function run(...options: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, 'evaluate', ...options], (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

/** A model, and a data set that the full network gets right but for one image. */
async function prepare() {
  const root = temporaryFolder();
  const [models, data, json] = [join(root, 'models'), join(root, 'data'), join(root, 'out.json')];
  const { manifest } = await writeTestPackage(models, { calibration });
  const subject = await createLocalSubject(models, { name: 'tiny' }, logger);
  for (let index = 0; index < IMAGES; index++) {
    const bytes = await textured(16 + index, 16, 3)
      .png()
      .toBuffer();
    const { classIndex } = await subject.classify({ name: 'x', mediaType: 'image/png', bytes }, 'full');
    const label = manifest.classes[index === 0 ? (classIndex + 1) % 10 : classIndex] ?? '';
    await mkdir(join(data, label), { recursive: true });
    await writeFile(join(data, label, `${index}.png`), bytes);
  }
  await subject.close();
  const figures = async () => JSON.parse(await readFile(json, 'utf8')) as Evaluation;
  return { models, data, json, figures };
}

function check({ model, dataSet, profiles, metricsDifferences }: Evaluation): void {
  assert.deepEqual([model.name, model.version], ['tiny', '1']);
  assert.deepEqual([dataSet.name, dataSet.images, dataSet.used], ['data', IMAGES, IMAGES]);
  assert.deepEqual(
    profiles.map(({ profile, isDefault }) => [profile, isDefault]),
    [
      ['full', false],
      ['half', true],
    ],
  );
  const [full, half] = profiles;
  assert.equal(full?.correct, IMAGES - 1);
  assert.equal(full?.shareOfBackbone, 1);
  assert.deepEqual(
    full?.exits.map(({ images }) => images),
    [0, 0, IMAGES],
  );
  assert.equal(
    half?.exits.reduce((sum, { images }) => sum + images, 0),
    IMAGES,
  );
  assert.equal(half?.exits[0]?.images, 0);
  assert.notEqual(half?.exits[1]?.images, 0);
  assert.deepEqual(metricsDifferences, []);
}

test('in this process: a table, figures as JSON, hashes of the package', async () => {
  const { models, data, json, figures } = await prepare();
  const { code, stdout, stderr } = await run('tiny', '--models', models, '--data', data, '--json', json);
  assert.equal(withoutProgress(stderr), '');
  assert.equal(code, 0);
  assert.match(stdout, /half \(default\) +\d+\.\d\d %/);
  assert.match(stdout, /metrics agree exactly with the 24 answers/);
  const evaluation = await figures();
  check(evaluation);
  assert.match(evaluation.model.files?.['model.onnx']?.sha256 ?? '', /^[0-9a-f]{64}$/);
});

test('without anybody to read the table, the figures are written all the same', async (t) => {
  const { models, data, json, figures } = await prepare();
  const options = ['tiny', '--models', models, '--data', data, '--json', json];
  const { child, ended } = runNode(t, [main, 'evaluate', ...options]);
  child.stdout?.destroy();
  const { code, stderr } = await ended;
  assert.deepEqual([code, withoutProgress(stderr)], [1, '']);
  check(await figures());
});

test('over HTTP: the same figures; a server whose metrics say otherwise means exit code 1', async (t) => {
  const { models, data, json, figures } = await prepare();
  const config = createConfig({ models: models, workers: 1 });
  const service = await startService(config, logger);
  t.after(() => service.classifier.close());
  const serve = async (metrics: typeof service.metrics): Promise<string> => {
    const client = createClient({
      name: 'evaluation',
      settings: { weight: 1, budget: undefined },
      now: () => 0,
      refusalPace: { next: () => undefined },
      onExecuted() {},
      onRefused() {},
    });
    const apiKeys = { ownerOf: (key: string) => (key === 'secret' ? client : undefined) };
    const app = await buildApp({ ...service, metrics, config, logger, apiKeys, isDraining: () => false });
    await app.listen({ host: '127.0.0.1', port: 0 });
    t.after(() => app.close());
    return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  };

  const url = await serve(service.metrics);
  const keyless = await run('tiny/1', '--url', url, '--data', data);
  assert.equal(keyless.code, 1);
  assert.match(keyless.stderr, /answered 401, .*A valid API key is needed/);
  const honest = await run(
    'tiny/1',
    ...['--url', url, '--api-key', 'secret', '--data', data, '--json', json],
  );
  assert.deepEqual([honest.code, withoutProgress(honest.stderr)], [0, '']);
  check(await figures());
  assert.equal((await figures()).model.files, null);

  const forgetful = await run(
    'tiny',
    '--url',
    await serve(createMetrics([1])),
    '--api-key',
    'secret',
    '--data',
    data,
    '--json',
    json,
  );
  assert.equal(forgetful.code, 1);
  assert.match(forgetful.stdout, /DISAGREE with the 24 answers/);
  assert.match(forgetful.stdout, /rdi_flops_total: the metrics grew by 0, the answers say \d+/);
  assert.notEqual((await figures()).metricsDifferences.length, 0);
});

test('a server that answers something else is one sentence', async (t) => {
  const { models, data } = await prepare();
  const { manifest } = await findPackage(models, 'tiny', undefined);
  const model = {
    ...manifest,
    engine: { name: 'onnx', device: 'cpu' },
    flops: 1,
    defaultProfile: 'full',
    profiles: [{ name: 'full' }],
  };
  let body = '';
  const server = createServer((request, response) => {
    request.resume();
    response.end(request.url?.startsWith('/models/') ? body : '{"label":"class 1"}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const [answer, what] of [
    ['<html></html>', 'The model'],
    ['{}', 'The model'],
    ['null', 'The model'],
    [JSON.stringify(model), 'class \\d/\\d+.png'],
  ] as const) {
    body = answer;
    const { code, stdout, stderr } = await run('tiny', '--url', url, '--data', data);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, new RegExp(`^rdi-serve: ${what}: ${url} does not answer as rdi-serve does\\.\n$`));
  }
});

test('mistakes are one sentence', async () => {
  const { models, data } = await prepare();
  const refuses = async (message: RegExp, ...options: string[]): Promise<void> => {
    const { code, stdout, stderr } = await run(...options);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, message);
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
  };
  await refuses(
    /no profile quick, only half, full/,
    'tiny',
    '--models',
    models,
    '--data',
    data,
    '--profile',
    'quick',
  );
  const nowhere = join(models, 'missing', 'out.json');
  await refuses(/cannot be written/, 'tiny', '--models', models, '--data', data, '--json', nowhere);
  await refuses(/"" cannot be written/, 'tiny', '--models', models, '--data', data, '--json', '');
  await refuses(/cannot be written/, 'tiny', '--models', models, '--data', data, '--json', models);
  await refuses(/tiny\/7 is not served here/, 'tiny/7', '--models', models, '--data', data);
  await refuses(/"other" is not among/, 'other', '--models', models, '--data', data);
  await refuses(/does not answer: /, 'tiny', '--url', 'http://127.0.0.1:2', '--data', data);
  await refuses(/"nowhere" is not the address/, 'tiny', '--url', 'nowhere', '--data', data);
  await refuses(/"localhost:2" is not the address/, 'tiny', '--url', 'localhost:2', '--data', data);
  await refuses(/"" is not the address/, 'tiny', '--url', '', '--data', data);
  const withPassword = ['--url', 'http://user:secret@127.0.0.1:2', '--data', data];
  await refuses(
    /^rdi-serve: The address .* must not have a user name or a password in it\.\n$/,
    'tiny',
    ...withPassword,
  );
  const url = ['--url', 'http://127.0.0.1:2', '--data', data];
  await refuses(/^(?!.*secret).*The API key is not valid/, 'tiny', ...url, '--api-key', 'secret\nkey');
  await refuses(/--limit <n>.*whole number/, 'tiny', '--models', models, '--data', data, '--limit', '0');
  await mkdir(join(data, 'giraffe'));
  await writeFile(join(data, 'giraffe', '1.png'), 'no image');
  await refuses(/has no class "giraffe"/, 'tiny', '--models', models, '--data', data);
  await rm(join(data, 'giraffe'), { recursive: true });
  await mkdir(join(data, 'class 1'), { recursive: true });
  await writeFile(join(data, 'class 1', 'broken.png'), 'no image');
  await refuses(/class 1\/broken.png was not classified: /, 'tiny', '--models', models, '--data', data);
  const archive = join(models, 'set.zip');
  const name = 'class 1/deflated.png';
  const zip = zipOf([
    ['class 1/stored.png', Buffer.alloc(200)],
    [name, Buffer.alloc(200)],
  ]);
  const body = zip.indexOf(name) + name.length;
  await writeFile(archive, zip.fill(0xff, body, body + 2));
  await refuses(
    /class 1\/deflated.png cannot be read: invalid /,
    'tiny',
    '--models',
    models,
    '--data',
    archive,
  );
});
