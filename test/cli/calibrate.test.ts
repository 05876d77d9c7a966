// `rdi-serve calibrate` as a user runs it: on the test network and synthetic images, from record to certificate.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadPackage } from '../../src/models/package.js';
import { temporaryFolder } from '../support/packages.js';
import { testImages, writeProfiledPackage } from '../support/profiled-package.js';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const IMAGES = 240;

const root = await temporaryFolder({ after });
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

test('kept scores replace the images, under every policy and with true classes', async () => {
  for (const policy of ['max-softmax', 'margin', 'patience']) {
    const { code, stdout, stderr } = await calibrate(
      ...['--scores', scores, '--policy', policy, '--epsilon', '0.8', '--profile', policy],
    );
    assert.equal(code, 0, stderr + stdout);
    assert.equal((await loadPackage(made.directory)).profiles.get(policy)?.policy, policy);
  }
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

test('what cannot be certified, or kept within a budget, is said with exit code 2 and nothing written', async () => {
  const before = await calibrationOf();
  const strict = await calibrate('--scores', scores, '--epsilon', '0.0001', '--profile', 'strict');
  assert.equal(strict.code, 2);
  assert.match(
    strict.stdout,
    /Nothing is certified.* takes 29956 cal images; there are 120\. Serve the profile full/,
  );
  const both = await calibrate(
    ...['--scores', scores, '--epsilon', '0.3', '--budget', '1000', '--profile', 'cheap'],
  );
  assert.equal(both.code, 2);
  assert.match(both.stdout, /Infeasible: no point of the path certainly keeps the budget/);
  assert.equal(await calibrationOf(), before);
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

test('mistakes are one sentence, and change nothing', async () => {
  const before = await calibrationOf();
  const foreign = join(root, 'foreign.safetensors');
  await writeFile(foreign, 'nothing of the kind');
  const cases: [string[], RegExp][] = [
    [['--scores', scores, '--profile', 'x'], /one --epsilon for each --risk/],
    [['--epsilon', '0.1', '--profile', 'x'], /Give --data/],
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
