// `rdi-serve typicality` as a user runs it, and what `rdi-serve calibrate` writes beside a profile.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadPackage } from '../../src/packages/package.js';
import { testImages, writeProfiledPackage } from '../support/packages/profiled-package.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const root = temporaryFolder();
const [models, few, enough] = [join(root, 'models'), join(root, 'few'), join(root, 'enough')];
const { package: made } = await writeProfiledPackage(models);
const images = await testImages(420, 3);
for (const [folder, count] of [
  [few, 300],
  [enough, images.length],
] as const) {
  await mkdir(folder);
  for (const [index, { png }] of images.slice(0, count).entries()) {
    await writeFile(join(folder, `${index}.png`), png);
  }
}

function run(...options: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...options, '--models', models], (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

test('too few images are refused, and the package stays as it was', async () => {
  const { code, stderr } = await run('typicality', 'tiny', '--data', few);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^rdi-serve: ".*few" has too few images to say what typical ones look like: give at least 400\.$/m,
  );
  assert.deepEqual((await loadPackage(made.directory)).manifest, made.manifest);
});

test('calibrate writes it with the profile', async () => {
  const { code, stderr } = await run(
    ...['calibrate', 'tiny', '--data', enough, '--no-labels', '--epsilon', '0.3', '--profile', 'sure'],
  );
  assert.equal(code, 0, stderr);
  const { typicality, profiles } = await loadPackage(made.directory);
  assert.deepEqual(typicality?.images, { fit: 210, reference: 210, seed: 1 });
  assert.equal(
    typicality?.sha256.data,
    profiles.get('sure')?.certificate?.certificate.sha256.data,
    'both are of the same images',
  );
});

test('the command writes it alone: profiles and certificates stay as they were', async () => {
  const before = await loadPackage(made.directory);
  const { code, stdout, stderr } = await run('typicality', 'tiny', '--data', enough, '--seed', '2');
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^tiny\/1: 210 images say what is typical, new images are ranked among 210 others; /);
  const now = await loadPackage(made.directory);
  assert.deepEqual(now.profiles, before.profiles);
  assert.equal(now.defaultProfile, before.defaultProfile);
  assert.equal(now.typicality?.images.seed, 2);
});
