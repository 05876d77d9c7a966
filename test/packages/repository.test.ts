// Finding packages: in a useful order, and with bad ones reported rather than in the way.
import assert from 'node:assert/strict';
import { chmod, cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { describe, it } from 'node:test';
import { findPackages } from '../../src/packages/repository.js';
import { writeTestPackage } from '../support/packages/network.js';
import { editManifest } from '../support/packages/packages.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const options = { size: 8, width: 2, exits: 2 };

describe('the models folder', () => {
  it('is read by name, and by version with the newest last', async () => {
    const models = temporaryFolder();
    const { directory } = await writeTestPackage(models, { ...options, name: 'b', version: '1.10' });
    for (const [name, version] of [
      ['b', '1.9'],
      ['b', '2'],
      ['a', '3'],
    ] as const) {
      await cp(directory, join(models, name, version), { recursive: true });
      await editManifest(join(models, name, version), (manifest) =>
        Object.assign(manifest, { name, version }),
      );
    }
    const { packages, refused } = await findPackages(models);
    assert.deepEqual(
      packages.map(({ manifest }) => `${manifest.name}/${manifest.version}`),
      ['a/3', 'b/1.9', 'b/1.10', 'b/2'],
    );
    assert.deepEqual(refused, []);
  });

  it('may hold bad packages, which are reported', async () => {
    const models = temporaryFolder();
    await writeTestPackage(models, { ...options, name: 'good' });
    await mkdir(join(models, 'empty', '1'), { recursive: true });
    await cp(join(models, 'good', '1'), join(models, 'good', '2'), { recursive: true });
    const { packages, refused } = await findPackages(models);
    assert.deepEqual(
      packages.map(({ manifest }) => manifest.name),
      ['good'],
    );
    assert.deepEqual(refused, [
      { name: 'empty', version: '1', reason: 'manifest.json is missing.' },
      {
        name: 'good',
        version: '2',
        reason: 'manifest.json describes good/1, but the package is in the folder good/2.',
      },
    ]);
  });

  it('may hold a folder that cannot be read, which is reported', async () => {
    const models = temporaryFolder();
    await chmod(models, 0o755);
    await writeTestPackage(models, { ...options, name: 'good' });
    for (const name of ['closed', 'lost+found']) await mkdir(join(models, name), { mode: 0 });
    const { packages, refused } = await withoutPrivileges(() => findPackages(models));
    assert.deepEqual(
      packages.map(({ manifest }) => manifest.name),
      ['good'],
    );
    const [closed, ...others] = refused;
    assert.match(
      `${closed?.name}/${closed?.version}: ${closed?.reason}`,
      /^closed\/\*: The folder .* EACCES/,
    );
    assert.deepEqual(others, []);
  });

  it('may hold other things', async () => {
    const models = temporaryFolder();
    await writeFile(join(models, 'README.md'), 'x');
    await symlink(join(models, 'README.md'), join(models, 'link'));
    await mkdir(join(models, '.import-x', 'name', '1'), { recursive: true });
    await mkdir(join(models, 'nothing'));
    assert.deepEqual((await findPackages(models)).survey.versions.size, 0);
  });

  it('must exist', async () => {
    const models = join(temporaryFolder(), 'none');
    await assert.rejects(findPackages(models), {
      name: 'UsageError',
      message: /none" cannot be read: ENOENT/,
    });
  });
});

/** Root may read everything. */
async function withoutPrivileges<Result>(task: () => Promise<Result>): Promise<Result> {
  if (process.geteuid?.() !== 0) return task();
  process.seteuid?.('nobody');
  try {
    return await task();
  } finally {
    process.seteuid?.(0);
  }
}
