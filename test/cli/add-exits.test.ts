// `rdi-serve add-exits` as a user runs it: a plain file and images become a package that is served, or a clear sentence.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readScores } from '../../src/calibration/scores/scores-file.js';
import { createEngine } from '../../src/engines/onnx.js';
import { importPackage } from '../../src/packages/import.js';
import { loadPackage } from '../../src/packages/package.js';
import { buildPlainNetwork, type PlainOptions } from '../support/packages/plain-network.js';
import { testImages } from '../support/packages/profiled-package.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { withoutProgress } from '../support/without-progress.js';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const IMAGES = 900;

const root = temporaryFolder();
const [data, labels] = [join(root, 'data'), join(root, 'labels.txt')];
await mkdir(data);
for (const [index, { png }] of (await testImages(IMAGES, 3)).entries()) {
  await writeFile(join(data, `${index}.png`), png);
}
await writeFile(labels, 'red\ngreen\nblue\ngrey\n');

async function network(name: string, options: PlainOptions = {}): Promise<string> {
  const file = join(root, `${name}.onnx`);
  await writeFile(file, buildPlainNetwork(options));
  return file;
}

const env = { ...process.env, XDG_CACHE_HOME: join(root, 'caches') };

function addExits(...options: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, 'add-exits', ...options], { env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

const usual = ['--classes', labels, '--preprocess', 'symmetric', '--least-saving', '0.01'];

/** What lies in a models folder, hidden folders too; empty if there is none. */
const contentOf = (folder: string) => readdir(folder).catch(() => []);

test('a plain file becomes a package that leaves early, with certificates and a card', async () => {
  const [output, scores] = [join(root, 'models'), join(root, 'scores.safetensors')];
  const file = await network('plain', { softmax: true });
  const examples = join(root, 'examples');
  await mkdir(join(examples, 'blue'), { recursive: true });
  await copyFile(join(data, '0.png'), join(examples, 'blue', 'sea.png'));
  const { code, stdout, stderr } = await addExits(
    ...[file, '--data', data, '--output', output, '--scores', scores, ...usual],
    ...['--epsilon', '0.05', '0.2', '0.1', '--name', 'colours', '--model-version', '3'],
    ...['--expects', 'One colour.', '--examples', examples],
  );
  assert.equal(code, 0, stderr + stdout);
  assert.deepEqual(await contentOf(output), ['colours']);
  const made = await loadPackage(join(output, 'colours', '3'));
  const { manifest, profiles, directory } = made;
  assert.equal(manifest.exits.at(-1)?.logits, 'logits', 'the Softmax at the end was taken off');
  assert.ok(manifest.exits.length >= 2 && manifest.exits.length <= 4);
  const backbone = manifest.exits.reduce((sum, { flops }) => sum + flops.stage, 0);
  const heads = manifest.exits.reduce((sum, { flops }) => sum + flops.head, 0);
  assert.ok(heads <= 0.02 * backbone);
  const fast = profiles.get('fast');
  assert.ok(fast?.certificate?.valid, stdout);
  const { images, risks, flops } = fast.certificate.certificate;
  assert.deepEqual([images.tune, images.cal], [180, 270]);
  assert.deepEqual(
    risks.map(({ loss, epsilon }) => [loss, epsilon]),
    [['consistency', 0.2]],
  );
  assert.ok(flops.mean < 0.8 * backbone, `${flops.mean} of ${backbone}`);
  assert.match(stdout, /^fast +≤ 20 % /m);
  assert.match(stdout, /^exit-1 +sum_\d /m);
  assert.equal(manifest.expects, 'One colour.');
  assert.deepEqual(
    made.examples.map(({ file: name, label }) => [name, label]),
    [['blue-1.png', 'blue']],
  );
  const card = await readFile(join(directory, 'MODEL_CARD.md'), 'utf8');
  assert.match(card, /## What it expects\n\nOne colour\.\n\n## Images/);
  assert.match(card, /\| 337 \| the heads were fitted to them \|/);
  assert.match(card, /\| 113 \| chose the exits/);
  assert.match(card, /\| 270 \| tested the paths/);

  const figure = await readFile(join(directory, 'exits.svg'), 'utf8');
  assert.match(figure, /fast: \d+ %, certified for at most 20 %/);
  assert.match(figure, /<polyline points="\d/);

  const again = await addExits(
    file,
    '--data',
    data,
    '--output',
    output,
    ...usual,
    '--name',
    'colours',
    '--model-version',
    '3',
  );
  assert.equal(again.code, 1);
  assert.match(again.stderr, /exists already; give --force/);
});

test('the final exit gives the logits of the plain network', async () => {
  const output = join(root, 'models');
  const source = await network('plain-again', { softmax: true });
  const wishes = { classes: ['red', 'green', 'blue', 'grey'], preprocess: 'symmetric' };
  const plain = await importPackage({ source, output, force: false, engine: createEngine(), wishes });
  const { golden } = await loadPackage(join(output, 'colours', '3'));
  golden.cases.forEach(({ pixels, logits }, index) => {
    const expected = plain.golden.cases[index];
    assert.equal(expected?.pixels, pixels);
    logits.at(-1)?.forEach((value, label) => {
      assert.ok(Math.abs(value - (expected?.logits[0]?.[label] ?? Number.NaN)) <= 1e-4);
    });
  });
});

test('exits that save too little are no package, but an answer', async () => {
  const output = join(root, 'unpaid');
  const file = await network('restless', { gain: 0.6 });
  const { code, stdout, stderr } = await addExits(
    ...[file, '--data', data, '--output', output, '--classes', labels, '--preprocess', 'symmetric'],
    ...['--least-saving', '0.999'],
  );
  assert.equal(code, 2, stderr);
  assert.match(stdout, /It does not pay: with at most 5 % of answers changed, exits are expected to save/);
  assert.deepEqual(await contentOf(output), []);
});

test('what does not do is one sentence, and leaves nothing behind', async () => {
  const plain = await network('usual');
  const few = join(root, 'few');
  const alike = join(root, 'alike');
  const broken = join(root, 'broken');
  const [empty, cut] = [join(root, 'empty'), join(root, 'cut.onnx')];
  for (const folder of [few, alike, broken, empty]) await mkdir(folder);
  await writeFile(cut, (await readFile(plain)).subarray(0, 1000));
  for (const [index, { png }] of (await testImages(420, 4)).entries()) {
    if (index < 50) await writeFile(join(few, `${index}.png`), png);
    await writeFile(join(broken, `${index}.png`), index === 100 ? png.subarray(0, 60) : png);
    await writeFile(join(alike, `${index}.png`), (await testImages(1, 5))[0]?.png ?? '');
  }
  const cases: [string, string, RegExp][] = [
    [await network('dense', { dense: true }), data, /no place for an exit between 2 and 90 % of its cost/],
    [await network('two-inputs', { secondInput: true }), data, /has the inputs "image", "offset"/],
    [await network('one-answer', { bias: 1000 }), data, /The network answers "red" to all 450 images/],
    [plain, few, /^rdi-serve: 50 images are too few: 25 would fit the heads/],
    [plain, alike, /^rdi-serve: 1 images are too few/],
    [plain, broken, /100\.png cannot be decoded: /],
    [plain, empty, /contains no images\. Give a data set with at least one PNG, JPEG or WebP image/],
    [
      cut,
      data,
      /cut\.onnx is not an ONNX model, or only a part of one: it has 1000 bytes \(.*\)\. If it was copied /,
    ],
    [plain, join(root, 'nowhere'), /The data set cannot be read/],
    [join(root, 'nowhere.onnx'), data, /is neither a folder nor a file whose name ends in \.onnx/],
  ];
  for (const [index, [file, images, message]] of cases.entries()) {
    const output = join(root, `nothing-${index}`);
    const { code, stderr } = await addExits(file, '--data', images, '--output', output, ...usual);
    assert.equal(code, 1, `${message}: ${stderr}`);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /\n +at /);
    assert.deepEqual(await contentOf(output), []);
  }
});

/** Files with features in a cache folder, of one network. */
async function rowFiles(cache: string): Promise<string[]> {
  const [network] = await contentOf(cache);
  if (network === undefined) return [];
  return (await readdir(join(cache, network))).filter((name) => name.endsWith('.rows')).sort();
}

/** Stops a run by a signal once it has kept the features of further images. */
async function stopped(signal: 'SIGINT' | 'SIGKILL', cache: string, ...options: string[]) {
  const had = (await rowFiles(cache)).length;
  const running = spawn(process.execPath, [main, 'add-exits', ...options, '--cache', cache], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const stderr = text(running.stderr);
  const ended = once(running, 'exit');
  while (running.exitCode === null && (await rowFiles(cache)).length <= had) await setTimeout(20);
  running.kill(signal);
  return { ended: await ended, stderr: await stderr };
}

test('a run that was stopped or killed leaves nothing half-written, and the same command goes on from there', async () => {
  const file = await network('slow', { width: 24, blocks: 3 });
  const [whole, broken] = [join(root, 'cache-whole'), join(root, 'cache-broken')];
  const options = (output: string) => [
    ...[file, '--data', data, '--output', output, '--epsilon', '0.1', '--exits', '1', ...usual],
  ];
  const once = await addExits(...options(join(root, 'once')), '--cache', whole);
  assert.equal(once.code, 0, once.stderr + once.stdout);
  const [name = ''] = await contentOf(whole);
  // What the parts take is measured anew otherwise, and decides which of them become exits.
  await mkdir(join(broken, name), { recursive: true });
  await copyFile(join(whole, name, 'times.json'), join(broken, name, 'times.json'));

  const output = join(root, 'resumed');
  const asked = await stopped('SIGINT', broken, ...options(output));
  assert.deepEqual(asked.ended, [1, null]);
  assert.equal(
    withoutProgress(asked.stderr),
    'rdi-serve: Stopped before its end; no package was written. The same command goes on from here.\n',
  );
  const killed = await stopped('SIGKILL', broken, ...options(output));
  assert.deepEqual(killed.ended, [null, 'SIGKILL']);
  const visible = (await contentOf(output)).filter((entry) => !entry.startsWith('.'));
  assert.deepEqual(visible, [], 'nothing that a server would find');
  const [kept, damaged] = await rowFiles(broken);
  await truncate(join(broken, name, damaged ?? ''), 1000);

  const { code, stdout, stderr } = await addExits(...options(output), '--cache', broken);
  assert.equal(code, 0, stderr + stdout);
  const files = await rowFiles(broken);
  assert.ok(kept !== undefined && files.includes(kept) && !files.includes(damaged ?? ''));
  assert.equal(files.length, (await rowFiles(whole)).length, 'no image ran twice');
  assert.deepEqual(
    await lastingPartOf(join(output, 'slow', '1')),
    await lastingPartOf(join(root, 'once', 'slow', '1')),
  );
});

/** A package without its date, and without what was timed. */
async function lastingPartOf(directory: string) {
  const { manifest, profiles } = await loadPackage(directory);
  const decided = [...profiles].map(([name, { policy, thresholds, certificate }]) => [
    ...[name, policy, thresholds],
    certificate && { ...certificate.certificate, date: '' },
  ]);
  return { exits: manifest.exits, model: manifest.files['model.onnx'], decided };
}

test('a later run with other limits runs no image through the network again', async () => {
  const file = await network('again', { blocks: 3 });
  const cache = join(root, 'cache-again');
  const options = ['--data', data, '--cache', cache, ...usual];
  const first = await addExits(file, ...options, '--output', join(root, 'first'));
  assert.equal(first.code, 0, first.stderr + first.stdout);
  assert.match(first.stdout, new RegExp(`For later runs, what takes long is kept in ${cache}`));
  const files = await rowFiles(cache);
  const second = await addExits(
    ...[file, ...options, '--output', join(root, 'second')],
    ...['--epsilon', '0.15', '--exits', '1'],
  );
  assert.equal(second.code, 0, second.stderr + second.stdout);
  assert.deepEqual(await rowFiles(cache), files);
  const { profiles } = await loadPackage(join(root, 'second', 'again', '1'));
  assert.deepEqual([...profiles.keys()], ['at-most-15', 'full']);
});

test('two classes do; images in folders named after them also tell how often the answers are right', async () => {
  const labelled = join(root, 'labelled');
  for (const label of ['warm', 'cold']) await mkdir(join(labelled, label), { recursive: true });
  for (let index = 0; index < IMAGES; index++) {
    const label = index % 3 ? 'warm' : 'cold';
    await copyFile(join(data, `${index}.png`), join(labelled, label, `${index}.png`));
  }
  const two = join(root, 'two.txt');
  await writeFile(two, 'warm\ncold\n');
  const file = await network('binary', { classes: 2 });
  const [output, scores] = [join(root, 'binary'), join(root, 'binary.safetensors')];
  const { code, stdout, stderr } = await addExits(
    ...[file, '--data', labelled, '--output', output, '--classes', two, '--preprocess', 'symmetric'],
    ...['--scores', scores, '--epsilon', '0.1', '--exits', '1', '--least-saving', '0.01'],
  );
  assert.equal(code, 0, stderr + stdout);
  assert.match(stdout, /accuracy +change, points\n/);
  assert.match(stdout, /^full .* \d\d\.\d\d % +±0\.00$/m);
  const { manifest, profiles, directory } = await loadPackage(join(output, 'binary', '1'));
  assert.equal(manifest.exits.length, 2);
  assert.deepEqual([...profiles.keys()], ['at-most-10', 'full']);
  const card = await readFile(join(directory, 'MODEL_CARD.md'), 'utf8');
  assert.equal((await readScores(scores))?.truth?.length, 450, 'the classes are kept for calibrate');
  assert.match(card, /Accuracy is of the 270 images that tested the paths, by their labels\./);
});
