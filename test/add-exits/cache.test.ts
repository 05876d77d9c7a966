// What add-exits keeps for later runs: found again, found to be damaged and made again, and removed when it grows too large.
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openFeatureStore } from '../../src/add-exits/cache/feature-store.js';
import { MOST_CACHE_BYTES, openNetworkCache } from '../../src/add-exits/cache/network-cache.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const WIDTH = 3;
const hashOf = (image: number): string => image.toString(16).padStart(64, '0');

/** Two files: images 0 and 1, image 2. */
async function filled(): Promise<string> {
  const folder = temporaryFolder();
  const store = await openFeatureStore(folder, WIDTH);
  await store.add([hashOf(0), hashOf(1)], Float32Array.of(0, 1, 2, 10, 11, 12));
  await store.add([hashOf(2)], Float32Array.of(20, 21, 22));
  return folder;
}

async function rowsIn(folder: string, images: readonly number[]): Promise<number[][]> {
  const store = await openFeatureStore(folder, WIDTH);
  const rows: number[][] = [];
  for await (const { place, row } of store.read(images.map(hashOf))) rows[place] = [...row];
  return rows;
}

const isThere = async (folder: string): Promise<boolean[]> => {
  const store = await openFeatureStore(folder, WIDTH);
  return [0, 1, 2].map((image) => store.has(hashOf(image)));
};

test('rows are found again in the order asked for', async () => {
  const folder = await filled();
  assert.deepEqual(await isThere(folder), [true, true, true]);
  assert.deepEqual(await rowsIn(folder, [2, 0]), [
    [20, 21, 22],
    [0, 1, 2],
  ]);
});

test('a file that was cut short, emptied or changed is removed, and its images are missing', async () => {
  for (const damage of [
    (path: string) => truncate(path, 50),
    (path: string) => truncate(path, 0),
    async (path: string) => {
      const bytes = await readFile(path);
      bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
      await writeFile(path, bytes);
    },
  ]) {
    const folder = await filled();
    const sizes = await Promise.all(
      (await readdir(folder)).map(async (name) => ({
        name,
        size: (await readFile(join(folder, name))).length,
      })),
    );
    const [larger] = sizes.sort((a, b) => b.size - a.size);
    await damage(join(folder, larger?.name ?? ''));
    assert.deepEqual(await isThere(folder), [false, false, true]);
    assert.equal((await readdir(folder)).length, 1);
  }
});

test('an image that two runs kept is read once; one that is gone is an error', async () => {
  const folder = await filled();
  const store = await openFeatureStore(folder, WIDTH);
  await store.add([hashOf(1)], Float32Array.of(10, 11, 12));
  assert.deepEqual(await rowsIn(folder, [1]), [[10, 11, 12]]);
  await assert.rejects(() => rowsIn(folder, [1, 7]), /were removed or damaged during this run; run it again/);
});

test('a value is made once, and again if its file is damaged', async () => {
  const options = { folder: temporaryFolder(), of: ['network'], width: WIDTH, images: 1 };
  const cache = await openNetworkCache(options);
  let made = 0;
  const make = async () => ({ times: [++made] });
  assert.deepEqual(await cache.kept('times', make), { times: [1] });
  assert.deepEqual(await (await openNetworkCache(options)).kept('times', make), { times: [1] });
  const other = await openNetworkCache({ ...options, of: ['another network'] });
  assert.deepEqual(await other.kept('times', make), { times: [2] });
  await truncate(join(cache.folder, 'times.json'), 40);
  assert.deepEqual(await cache.kept('times', make), { times: [3] });
  await cache.close();
  assert.ok((await readdir(options.folder)).length === 2, 'it is kept for later runs');
});

test('what is not to be kept is removed at the end', async () => {
  const cache = await openNetworkCache({ folder: undefined, of: [], width: WIDTH, images: 1 });
  await cache.features.add([hashOf(0)], new Float32Array(WIDTH));
  await cache.close();
  await assert.rejects(() => readdir(cache.folder), /ENOENT/);
});

test('the longest unused networks make room, those in use do not', async () => {
  const folder = temporaryFolder();
  const sizes = { old: 0.4, newer: 0.4, used: 0.1 };
  for (const [name, size] of Object.entries(sizes)) {
    await mkdir(join(folder, name));
    // No block of it is on the disk.
    await writeFile(join(folder, name, 'a.rows'), '');
    await truncate(join(folder, name, 'a.rows'), Math.round(size * MOST_CACHE_BYTES));
  }
  const hours = (count: number) => new Date(Date.now() - count * 3600_000);
  await utimes(join(folder, 'old'), hours(9), hours(9));
  await utimes(join(folder, 'newer'), hours(5), hours(5));
  const images = Math.floor((0.3 * MOST_CACHE_BYTES) / (4 * WIDTH));
  await openNetworkCache({ folder, of: ['network'], width: WIDTH, images });
  const left = (await readdir(folder)).filter((name) => name in sizes);
  assert.deepEqual(left.sort(), ['newer', 'used']);
});

test('what does not fit, or cannot be written, is a clear sentence', async () => {
  const folder = temporaryFolder();
  await assert.rejects(
    () => openNetworkCache({ folder, of: [], width: 2 ** 20, images: 5000 }),
    /What is kept of 5000 images would take 19\.5 GiB, more than 8\.0 GiB\. Give --limit 2048 or less\./,
  );
  const file = join(folder, 'a file');
  await writeFile(file, '');
  await assert.rejects(
    () => openNetworkCache({ folder: file, of: [], width: WIDTH, images: 1 }),
    /The cache folder ".*a file" cannot be written to: .*--no-cache/,
  );
});
