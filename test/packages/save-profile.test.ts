import assert from 'node:assert/strict';
import { readdir, rename, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { createEngine } from '../../src/engines/onnx.js';
import { importPackage } from '../../src/packages/import.js';
import { loadPackage } from '../../src/packages/package.js';
import { saveProfile } from '../../src/packages/save-profile.js';
import { withCertificate } from '../support/packages/certificate.js';
import { writeTestExport } from '../support/packages/network.js';
import { writeProfiledPackage } from '../support/packages/profiled-package.js';
import { temporaryFolder } from '../support/temporary-folder.js';

test('of two who calibrate at once, both keep their profile', async () => {
  const { package: made } = await writeProfiledPackage(temporaryFolder());
  const save = (name: string, threshold: number) => {
    const profile = withCertificate(made.manifest, { policy: 'entropy', thresholds: [threshold, null] });
    return saveProfile(made, { name, profile, makeDefault: name === 'first' });
  };
  await Promise.all([save('first', 0.1), save('second', 0.2)]);
  const { profiles, defaultProfile } = await loadPackage(made.directory);
  assert.equal(defaultProfile, 'first');
  assert.deepEqual(
    ['first', 'second'].map((name) => profiles.get(name)?.thresholds),
    [
      [0.1, null],
      [0.2, null],
    ],
  );
  for (const name of made.profiles.keys()) assert.ok(profiles.has(name), name);
});

test('a package that is a link is replaced by one that is none', async () => {
  const models = temporaryFolder();
  const { package: made } = await writeProfiledPackage(models);
  const [folder, store] = [dirname(made.directory), join(models, 'store')];
  await rename(made.directory, store);
  await symlink(join('..', 'store'), made.directory);
  const profile = withCertificate(made.manifest, { policy: 'entropy', thresholds: [0.1, null] });
  await saveProfile(made, { name: 'linked', profile, makeDefault: false });
  assert.ok((await loadPackage(made.directory)).profiles.has('linked'));
  assert.deepEqual(await readdir(folder), [made.manifest.version]);
});

test('a profile is not saved for a network that has been replaced', async () => {
  const [models, source] = [temporaryFolder(), temporaryFolder()];
  const { package: made } = await writeProfiledPackage(models);
  await writeTestExport(source, { seed: 2 });
  const other = await importPackage({ source, output: models, force: true, engine: createEngine() });
  const profile = withCertificate(made.manifest, { policy: 'entropy', thresholds: [0.1, null] });
  await assert.rejects(saveProfile(made, { name: 'late', profile, makeDefault: true }), {
    name: 'PackageError',
    message:
      /^manifest\.json now describes another network than that of the profile "late"; calibrate again\.$/,
  });
  assert.deepEqual((await loadPackage(made.directory)).manifest, other.manifest);
  assert.ok(!(await loadPackage(made.directory)).profiles.has('late'));
});
