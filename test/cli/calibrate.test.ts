// `rdi-serve calibrate` as a user runs it: on the test network and synthetic images, from record to certificate.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createEngine } from '../../src/engines/onnx.js';
import type { Description } from '../../src/format/description.js';
import { importPackage } from '../../src/packages/import.js';
import { loadPackage } from '../../src/packages/package.js';
import { fromPixels } from '../support/images/images.js';
import { writeTestExport } from '../support/packages/network.js';
import { testImages, writeProfiledPackage } from '../support/packages/profiled-package.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const IMAGES = 240;

const root = temporaryFolder();
const [models, data, scores] = [join(root, 'models'), join(root, 'data'), join(root, 'scores.safetensors')];
const { package: made } = await writeProfiledPackage(models);
for (const [index, { png }] of (await testImages(IMAGES, 3)).entries()) {
  const folder = join(data, `class ${index % 10}`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${index}.png`), png);
}

function calibrate(...options: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [main, 'calibrate', 'tiny', '--models', models, ...options],
      (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

/** Of the first `count` images of `data`, changed a little; `shift` puts each into another class's folder. */
async function writeCopies(directory: string, count: number, shift = 0): Promise<void> {
  for (const [index, { pixels }] of (await testImages(IMAGES, 3)).slice(0, count).entries()) {
    const folder = join(directory, `class ${Math.min(9, (index % 10) + shift)}`);
    const noisy = pixels.map((value, place) => Math.min(255, Math.max(0, value + (place % 2 ? 20 : -20))));
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `${index}.png`), await fromPixels(noisy, 16, 16, 3).png().toBuffer());
  }
}

const calibrationOf = async () => readFile(join(made.directory, 'calibration.json'), 'utf8');

test('a profile is certified, written with its certificate, and others stay as they were', async () => {
  const before = await loadPackage(made.directory);
  const plot = join(root, 'plot.svg');
  const { code, stdout, stderr } = await calibrate(
    ...['--data', data, '--scores', scores, '--epsilon', '0.3', '--profile', 'sure', '--plot', plot],
  );
  assert.equal(code, 0, stderr);
  assert.match(stdout, /120 tune and 120 cal images, policy entropy/);
  assert.match(stdout, /^→ +\d+ /m);
  assert.match(stdout, /sure: With confidence 95 %, .* at most 30 % of answers differ/);
  assert.match(await readFile(plot, 'utf8'), /certified: point \d+/);

  const { profiles, defaultProfile, manifest } = await loadPackage(made.directory);
  assert.equal(defaultProfile, 'default');
  const { certificate, ...profile } = profiles.get('sure') ?? assert.fail('there is no such profile');
  assert.equal(profile.policy, 'entropy');
  assert.equal(certificate?.valid, true);
  const { risks, flops, images, sha256, delta } = certificate.certificate;
  assert.equal(sha256.model, manifest.files['model.onnx']?.sha256);
  assert.deepEqual(images, { tune: 120, cal: 120, seed: 1 });
  const [risk] = risks;
  assert.ok(risk && risk.epsilon === 0.3 && risk.pValue <= delta && risk.observed < 0.3);
  assert.ok(flops.mean < flops.bound);
  for (const [name, one] of before.profiles) assert.deepEqual(profiles.get(name), one);
  assert.deepEqual(Object.keys(manifest.files).sort(), Object.keys(before.manifest.files).sort());
});

test('--cost time says what each exit costs on this machine, and certifies in FLOPs', async () => {
  const { code, stdout, stderr } = await calibrate(
    ...['--scores', scores, '--epsilon', '0.3', '--profile', 'quick', '--cost', 'time'],
  );
  assert.match(stdout, /^exit +ms to reach it +ms that it adds to a full run$/m, stderr);
  for (const name of ['exit-0', 'exit-1', 'final']) {
    assert.match(stdout, new RegExp(`^${name} +\\d+\\.\\d{3} `, 'm'));
  }
  assert.match(stdout, /of backbone +ms +leave at exit/);
  // Whether a network of this size gains time by leaving early differs from run to run.
  const { profiles } = await loadPackage(made.directory);
  assert.equal(profiles.has('quick'), code === 0);
  assert.match(
    stdout,
    code === 0 ? /quick: With confidence 95 %, .* MFLOPs an image/ : /Nothing is certified/,
  );
});

test('kept scores replace the images, under every policy and with true classes', async () => {
  for (const policy of ['max-softmax', 'margin', 'patience']) {
    const { code, stdout, stderr } = await calibrate(
      ...['--scores', scores, '--policy', policy, '--epsilon', '0.8', '--profile', policy],
    );
    assert.equal(code, 0, stderr + stdout);
    assert.equal((await loadPackage(made.directory)).profiles.get(policy)?.policy, policy);
  }
  const all = ['entropy', 'max-softmax', 'margin'];
  const several = await calibrate(
    ...['--scores', scores, '--policy', ...all, '--epsilon', '0.8', '--profile', 'several'],
  );
  assert.equal(several.code, 0, several.stderr + several.stdout);
  const chosen = (await loadPackage(made.directory)).profiles.get('several');
  assert.ok(chosen && all.includes(chosen.policy));
  assert.match(several.stdout, new RegExp(`, policy ${chosen.policy}, `));

  const both = await calibrate(
    ...['--scores', scores, '--risk', 'consistency', 'error', '--epsilon', '0.6', '0.5', '--profile', 'both'],
    '--default',
  );
  assert.equal(both.code, 0, both.stderr + both.stdout);
  const { profiles, defaultProfile } = await loadPackage(made.directory);
  assert.equal(defaultProfile, 'both');
  assert.deepEqual(
    profiles.get('both')?.certificate?.certificate.risks.map(({ loss }) => loss),
    ['consistency', 'error'],
  );
});

test('a risk on adversarial copies is kept too, and the certificate says on which', async () => {
  const [copies, kept, plot] = [
    join(root, 'copies'),
    join(root, 'copies.safetensors'),
    join(root, 'both.svg'),
  ];
  const attack = 'noise of ±20, for tests';
  await writeCopies(copies, IMAGES);
  const { code, stdout, stderr } = await calibrate(
    ...['--data', data, '--scores', scores, '--epsilon', '0.3', '--profile', 'steady', '--plot', plot],
    ...[
      '--adversarial',
      copies,
      '--adversarial-scores',
      kept,
      '--adversarial-epsilon',
      '0.5',
      '--attack',
      attack,
    ],
  );
  assert.equal(code, 0, stderr + stdout);
  assert.match(stdout, /consistency risk +consistency risk, copies/);
  assert.match(await readFile(plot, 'utf8'), /consistency risk on the adversarial copies, ε = 50 %/);
  const profile = (await loadPackage(made.directory)).profiles.get('steady');
  const { certificate } = profile?.certificate ?? assert.fail('no certificate');
  assert.deepEqual(
    certificate.risks.map(({ loss, data: on, epsilon }) => [loss, on, epsilon]),
    [
      ['consistency', 'clean', 0.3],
      ['consistency', 'adversarial', 0.5],
    ],
  );
  const { adversarialCopies, sha256, statement, risks, delta } = certificate;
  assert.equal(adversarialCopies?.attack, attack);
  assert.match(adversarialCopies.sha256, /^[0-9a-f]{64}$/);
  assert.notEqual(adversarialCopies.sha256, sha256.data);
  assert.ok(risks.every(({ pValue }) => pValue <= delta));
  assert.match(
    statement,
    /attacked by noise of ±20, for tests, at most 50 % of answers differ .* by any other attack\.$/,
  );
  assert.match(profile?.description ?? '', /consistency risk on adversarial copies at most 50 %/);

  const again = await calibrate(
    ...['--scores', scores, '--adversarial-scores', kept, '--attack', attack],
    ...[
      '--epsilon',
      '0.3',
      '--adversarial-risk',
      'error',
      '--adversarial-epsilon',
      '0.0001',
      '--profile',
      'never',
    ],
  );
  assert.equal(again.code, 2, again.stderr);
  assert.match(again.stdout, /error risk, copies(.|\n)*Nothing is certified/);
});

test('copies that do not go with the images are refused in one sentence', async () => {
  const few = join(root, 'few');
  await writeCopies(few, IMAGES - 1);
  const shifted = join(root, 'shifted');
  await writeCopies(shifted, IMAGES, 1);
  const clean = ['--data', data, '--scores', scores, '--epsilon', '0.3', '--profile', 'x'];
  const cases: [string[], RegExp][] = [
    [['--adversarial', few, '--attack', 'a'], /^[^\n]*239 adversarial copies of 240 images[^\n]*\n$/],
    [
      ['--adversarial', shifted, '--attack', 'a'],
      /^[^\n]*copy \d+ is of another class than image \d+[^\n]*\n$/,
    ],
    [['--adversarial', data, '--attack', 'a'], /the images themselves/],
    [['--adversarial', few], /Say with --attack/],
    [['--adversarial-epsilon', '0.1'], /need --adversarial/],
    [
      ['--adversarial', few, '--attack', 'a', '--adversarial-risk', 'error', 'consistency'],
      /one --adversarial-epsilon/,
    ],
  ];
  for (const [options, message] of cases) {
    const { code, stderr } = await calibrate(...clean, ...options);
    assert.equal(code, 1);
    assert.match(stderr, message);
  }
});

test('kept scores are refused once the same network is described otherwise', async () => {
  const [source, output, kept] = [
    join(root, 'export'),
    join(root, 'described'),
    join(root, 'described.safetensors'),
  ];
  const description = await writeTestExport(source);
  const importAs = async (changes: Partial<Description>) => {
    await writeFile(join(source, 'description.json'), JSON.stringify({ ...description, ...changes }));
    return importPackage({ source, output, force: true, engine: createEngine() });
  };
  const run = (...options: string[]) =>
    calibrate('--models', output, '--scores', kept, '--epsilon', '0.3', '--profile', 'sure', ...options);
  const { input, exits, classes } = description;

  const { manifest } = await importAs({ input: { ...input, std: [1, 1, 1] } });
  const first = await run('--data', data);
  assert.equal(first.code, 0, first.stderr);
  for (const changes of [
    { input },
    { input: { ...input, std: [1, 1, 1] }, exits: exits.slice(1) },
    { input: { ...input, std: [1, 1, 1] }, classes: classes.toReversed() },
  ]) {
    const other = await importAs(changes);
    assert.equal(other.manifest.files['model.onnx']?.sha256, manifest.files['model.onnx']?.sha256);
    for (const options of [['--data', data], []]) {
      const { code, stderr } = await run(...options);
      assert.equal(code, 1);
      assert.match(stderr, /^[^\n]*described another preprocessing[^\n]*record into a new file\.\n$/);
    }
    assert.equal((await loadPackage(other.directory)).profiles.has('sure'), false);
  }
  await importAs({ input: { ...input, std: [1, 1, 1] } });
  assert.equal((await run()).code, 0, 'of the description that they were recorded under');
});

test('what cannot be certified, or kept within a budget, is said with exit code 2 and nothing written', async () => {
  const before = await calibrationOf();
  const strict = await calibrate('--scores', scores, '--epsilon', '0.0001', '--profile', 'strict');
  assert.equal(strict.code, 2);
  assert.match(
    strict.stdout,
    /Nothing is certified.* needs 29956 cal images; there are 120\. Serve the profile full/,
  );
  const both = await calibrate(
    ...['--scores', scores, '--epsilon', '0.3', '--budget', '1000', '--profile', 'cheap'],
  );
  assert.equal(both.code, 2);
  assert.match(both.stdout, /Infeasible: no point of the path is certified to keep the budget/);
  assert.equal(await calibrationOf(), before);
});

test('no image leaves at an exit that is to be off', async () => {
  const { code, stderr } = await calibrate(
    ...['--scores', scores, '--epsilon', '0.9', '--profile', 'late', '--off', 'exit-0'],
  );
  assert.equal(code, 0, stderr);
  const { late } = JSON.parse(await calibrationOf()).profiles;
  assert.equal(late.thresholds[0], null);
  assert.equal(late.certificate.exitShares[0], 0);
  assert.ok(late.certificate.exitShares[1] > 0);

  const unknown = await calibrate(
    ...['--scores', scores, '--epsilon', '0.9', '--profile', 'late', '--off', 'exit-9'],
  );
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /--off exit-9: the side exits of tiny are exit-0, exit-1/);
});

test('a budget alone is kept without a risk', async () => {
  const { exits } = made.manifest;
  const budget = String(Math.round(0.7 * (exits.at(-1)?.flops.cumulative ?? 0)));
  const { code, stdout, stderr } = await calibrate(
    ...['--scores', scores, '--budget', budget, '--profile', 'cheap'],
  );
  assert.equal(code, 0, stderr + stdout);
  const { certificate } = (await loadPackage(made.directory)).profiles.get('cheap')?.certificate ?? {};
  assert.deepEqual(certificate?.risks, []);
  assert.ok(certificate.flops.mean < Number(budget) && certificate.flops.budget === Number(budget));
});

test('images without classes do for consistency, and not for the error', async () => {
  const flat = join(root, 'flat');
  await mkdir(flat);
  for (const [index, { png }] of (await testImages(60, 4)).entries()) {
    await writeFile(join(flat, `${index}.png`), png);
  }
  const options = ['--data', flat, '--no-labels', '--epsilon', '0.9', '--profile', 'unlabelled'];
  const { code, stderr, stdout } = await calibrate(...options);
  assert.equal(code, 0, stderr + stdout);
  const error = await calibrate(...options, '--risk', 'error');
  assert.equal(error.code, 1);
  assert.match(error.stderr, /needs the true classes/);
});

test('files that cannot be written are refused before the images are recorded', async () => {
  const before = await calibrationOf();
  const [missing, kept] = [join(root, 'missing'), join(root, 'never.safetensors')];
  const usual = ['--data', data, '--epsilon', '0.3', '--profile', 'x'];
  const cases = [
    ['--scores', join(missing, 'x')],
    ['--scores', `${missing}/`],
    ['--scores', ''],
    ['--scores', kept, '--plot', data],
    ['--scores', kept, '--plot', ''],
    ['--scores', kept, '--plot', join(missing, 'x.svg')],
    ['--scores', kept, '--plot', join(scores, 'x.svg')],
    ['--scores', kept, '--adversarial', data, '--attack', 'a', '--adversarial-scores', join(missing, 'y')],
  ];
  for (const options of cases) {
    const { code, stderr, stdout } = await calibrate(...usual, ...options);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^rdi-serve: "[^"]*" cannot be written: [^\n]*\n$/);
    await assert.rejects(stat(kept), { code: 'ENOENT' });
  }
  assert.equal(await calibrationOf(), before);
});

test('a plot that fails after all costs no profile', async () => {
  const plot = join(root, 'plot-elsewhere.svg');
  await symlink(join(root, 'missing', 'plot.svg'), plot);
  const { code, stderr } = await calibrate(
    ...['--scores', scores, '--epsilon', '0.3', '--profile', 'unplotted', '--plot', plot],
  );
  assert.equal(code, 1, 'where the link leads there is no folder');
  assert.match(stderr, /^rdi-serve: "[^"]*" cannot be written: [^\n]*\n$/);
  assert.ok((await loadPackage(made.directory)).profiles.has('unplotted'));
});

test('mistakes are one sentence, and change nothing', async () => {
  const before = await calibrationOf();
  const foreign = join(root, 'foreign.safetensors');
  await writeFile(foreign, 'nothing of the kind');
  const cases: [string[], RegExp][] = [
    [['--scores', scores, '--profile', 'x'], /one --epsilon for each --risk/],
    [['--epsilon', '0.1', '--profile', 'x'], /Give --data/],
    [
      [
        '--data',
        join(root, 'nowhere'),
        '--no-labels',
        '--risk',
        'error',
        '--epsilon',
        '0.1',
        '--profile',
        'x',
      ],
      /--risk error .* cannot be used with --no-labels/,
    ],
    [
      ['--scores', scores, '--labels', 'nowhere', '--epsilon', '0.1', '--profile', 'x'],
      /--labels needs --data/,
    ],
    [['--scores', scores, '--epsilon', '0.1', '--profile', 'full'], /--profile cannot be "full"/],
    [['--scores', foreign, '--epsilon', '0.1', '--profile', 'x'], /not one that calibrate wrote/],
    [['--scores', scores, '--epsilon', '1', '--profile', 'x'], /between 0 and 1/],
    [
      ['--scores', scores, '--data', join(root, 'flat'), '--no-labels', '--epsilon', '0.1', '--profile', 'x'],
      /other images than --data/,
    ],
  ];
  for (const [options, message] of cases) {
    const { code, stderr } = await calibrate(...options);
    assert.equal(code, 1);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /\n +at /);
  }
  assert.equal(await calibrationOf(), before);
  assert.ok((await stat(scores)).size > 0);
});
