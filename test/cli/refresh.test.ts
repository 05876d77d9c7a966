// `rdi-serve refresh` as a user runs it: new images for a package with added exits become its next version.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { GRAPH_FILE } from '../../src/format/documents.js';
import { loadPackage, type ModelPackage } from '../../src/packages/package.js';
import { buildPlainNetwork } from '../support/packages/plain-network.js';
import { testImages } from '../support/packages/profiled-package.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const root = temporaryFolder();
const [models, labels] = [join(root, 'models'), join(root, 'labels.txt')];
const env = { ...process.env, XDG_CACHE_HOME: join(root, 'caches') };

async function images(name: string, count: number, seed: number): Promise<string> {
  const folder = join(root, name);
  await mkdir(folder);
  for (const [index, { png }] of (await testImages(count, seed)).entries()) {
    await writeFile(join(folder, `${index}.png`), png);
  }
  return folder;
}

function rdiServe(...options: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...options], { env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

const refresh = (...options: string[]) => rdiServe('refresh', ...options, '--models', models);
const version = (number: number) => loadPackage(join(models, 'colours', `${number}`));
const cardOf = ({ directory }: ModelPackage) => readFile(join(directory, 'MODEL_CARD.md'), 'utf8');

/** What a version says that it expects. */
const expectationOf = ({ manifest, examples: images }: ModelPackage) => ({
  expects: manifest.expects,
  images,
});

const [before, after] = [await images('before', 800, 3), await images('after', 500, 4)];
const examples = join(root, 'examples');
await mkdir(join(examples, 'green'), { recursive: true });
await copyFile(join(before, '0.png'), join(examples, 'green', 'grass.png'));
await writeFile(labels, 'red\ngreen\nblue\ngrey\n');
await writeFile(join(root, 'colours.onnx'), buildPlainNetwork({ blocks: 3 }));

test('new images give new thresholds, as the next version, and a comparison', async () => {
  const made = await rdiServe(
    ...['add-exits', join(root, 'colours.onnx'), '--data', before, '--output', models, '--classes', labels],
    ...['--preprocess', 'symmetric', '--epsilon', '0.1', '0.2', '--least-saving', '0.01'],
    ...['--expects', 'One colour.', '--examples', examples],
  );
  assert.equal(made.code, 0, made.stderr + made.stdout);
  const { code, stdout, stderr } = await refresh('colours', '--data', after);
  assert.equal(code, 0, stderr + stdout);
  const [old, fresh] = [await version(1), await version(2)];
  assert.deepEqual([...fresh.profiles.keys()], ['at-most-10', 'at-most-20', 'full']);
  assert.deepEqual(fresh.manifest.files[GRAPH_FILE], old.manifest.files[GRAPH_FILE]);
  assert.equal(fresh.defaultProfile, old.defaultProfile);
  const { valid, certificate } = fresh.profiles.get('at-most-10')?.certificate ?? {};
  assert.ok(valid);
  assert.deepEqual([certificate?.images.tune, certificate?.images.cal], [200, 300]);
  assert.notEqual(
    certificate?.sha256.data,
    old.profiles.get('at-most-10')?.certificate?.certificate.sha256.data,
  );
  assert.match(stdout, /^at-most-10 +≤ 10 % +\d+\.\d\d % +\d+\.\d{3} +\d+\.\d\d % /m);
  assert.deepEqual(expectationOf(fresh), expectationOf(old));
  const card = await cardOf(fresh);
  assert.match(card, /^# colours, version 2\n/);
  assert.match(card, /## Compared with version 1\n/);
  assert.equal(card.match(/\(exits\.svg\)/g)?.length, 1, 'the figure of the new version alone');
  assert.match(card, /200 images built the paths of thresholds, 300 others tested them/);
});

test('with --heads, exits are fitted anew to the network without them', async () => {
  const { code, stdout, stderr } = await refresh(
    ...['colours/1', '--data', after, '--heads', '--model-version', '3', '--least-saving', '0.01'],
  );
  assert.equal(code, 0, stderr + stdout);
  const [old, fresh] = [await version(1), await version(3)];
  assert.deepEqual([...fresh.profiles.keys()], ['at-most-10', 'at-most-20', 'full']);
  assert.notDeepEqual(fresh.manifest.files[GRAPH_FILE], old.manifest.files[GRAPH_FILE]);
  assert.deepEqual(expectationOf(fresh), expectationOf(old));
  assert.match(stdout, /version 1: on new images/);
  assert.match(await cardOf(fresh), /## Compared with version 1\n/);
  fresh.golden.cases.forEach(({ logits }, index) => {
    const expected = old.golden.cases[index]?.logits.at(-1);
    logits.at(-1)?.forEach((value, label) => {
      assert.ok(Math.abs(value - (expected?.[label] ?? Number.NaN)) <= 1e-4, 'the network is the same');
    });
  });
});

test('what does not do is one sentence, and no version is written', async () => {
  const few = await images('few', 20, 5);
  const cases: [string[], RegExp][] = [
    [['colours/1', '--data', after], /"?.*colours\/2" exists already; give --force/],
    [['colours/1', '--data', after, '--model-version', '1'], /is the version that is refreshed/],
    [
      ['colours', '--data', few],
      /^rdi-serve: 20 images are too few: 12 would test the thresholds, where \d+ are needed/,
    ],
    [['colours', '--data', after, '--fit-data', after], /--fit-data needs --heads/],
    [['shapes', '--data', after], /There is no shapes in/],
  ];
  for (const [options, message] of cases) {
    const { code, stderr } = await refresh(...options);
    assert.equal(code, 1, `${message}: ${stderr}`);
    assert.match(stderr, message);
  }
  assert.deepEqual((await readdir(join(models, 'colours'))).sort(), ['1', '2', '3']);
});
