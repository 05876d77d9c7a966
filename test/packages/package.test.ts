// Loading packages: a sound one gives everything the service needs, and none may reach outside its folder.
import assert from 'node:assert/strict';
import { cp, mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import type { CalibrationDocument } from '../../src/format/profiles.js';
import { loadPackage } from '../../src/packages/package.js';
import { writeTestPackage } from '../support/packages/network.js';
import { editManifest } from '../support/packages/packages.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const options = { size: 8, width: 4, exits: 3 };
const calibration: CalibrationDocument = {
  formatVersion: 1,
  defaultProfile: 'balanced',
  profiles: {
    balanced: { policy: 'entropy', thresholds: [0.5, 0.5] },
    late: { description: 'Skips exit 0.', policy: 'patience', thresholds: [null, 1] },
  },
};

const folder = temporaryFolder();
const { directory: sound } = await writeTestPackage(folder, { ...options, calibration });

describe('a sound package', () => {
  it('gives its profiles, full last', async () => {
    const loaded = await loadPackage(sound);
    assert.deepEqual([...loaded.profiles.keys()], ['balanced', 'late', 'full']);
    assert.equal(loaded.defaultProfile, 'balanced');
    assert.deepEqual(loaded.profiles.get('late'), {
      ...{ name: 'late', description: 'Skips exit 0.', policy: 'patience', thresholds: [null, 1] },
    });
    assert.deepEqual(loaded.profiles.get('full')?.thresholds, [null, null]);
  });

  it('gives every segment that a profile may need, each once', async () => {
    const { segments } = await loadPackage(sound);
    assert.deepEqual(
      segments.map(({ from, to }) => `${from}>${to}`).sort(),
      // balanced: -1>0 0>1 1>2; late: -1>0 -1>1 1>2; full: -1>0 -1>1 -1>2
      ['-1>0', '-1>1', '-1>2', '0>1', '1>2'],
    );
  });

  it('needs no calibration', async () => {
    const models = temporaryFolder();
    const loaded = await writeTestPackage(models, options);
    assert.deepEqual([...loaded.profiles.keys()], ['full']);
    assert.equal(loaded.defaultProfile, 'full');
  });

  it('may be reached through links and hold hidden files', async () => {
    const models = temporaryFolder();
    await cp(sound, join(models, 'elsewhere'), { recursive: true });
    await mkdir(join(models, 'tiny'));
    await symlink(join(models, 'elsewhere'), join(models, 'tiny', '1'));
    await writeFile(join(models, 'elsewhere', '.DS_Store'), 'x');
    await mkdir(join(models, 'elsewhere', '..data'));
    await rename(join(models, 'elsewhere', 'model.onnx'), join(models, 'elsewhere', '..data', 'model.onnx'));
    await symlink(join('..data', 'model.onnx'), join(models, 'elsewhere', 'model.onnx'));
    assert.equal((await loadPackage(join(models, 'tiny', '1'))).manifest.name, 'tiny');
  });
});

describe('a listed file must lie inside the package', () => {
  const outside = { bytes: 6, sha256: 'c'.repeat(64) };
  for (const file of [
    '../secret',
    '/etc/hostname',
    'a/../../secret',
    '..\\secret',
    'C:secret',
    './secret',
    'a//b',
    '',
  ]) {
    it(`not at "${file}"`, async () => {
      const directory = join(temporaryFolder(), 'tiny', '1');
      await cp(sound, directory, { recursive: true });
      await writeFile(join(dirname(directory), 'secret'), 'secret');
      await editManifest(directory, (document) => {
        document.files[file] = outside;
      });
      await assert.rejects(loadPackage(directory), {
        name: 'PackageError',
        message: /is not a path inside the package\.$/,
      });
    });
  }

  for (const file of ['manifest.json', 'golden.json']) {
    it(`not behind a link: ${file}`, async () => {
      const folder = temporaryFolder();
      const directory = join(folder, 'tiny', '1');
      await cp(sound, directory, { recursive: true });
      await rename(join(directory, file), join(folder, file));
      await symlink(join('..', '..', file), join(directory, file));
      await assert.rejects(loadPackage(directory), {
        name: 'PackageError',
        message: `${file} is a link that leads out of the package.`,
      });
    });
  }
});
