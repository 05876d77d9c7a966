import assert from 'node:assert/strict';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { classIndices, openDataSet, takeEvenly } from '../../src/datasets/open-data-set.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { zipOf } from '../support/zip.js';

function idx(shape: readonly number[], values: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.writeUInt32BE(0x0800 + shape.length);
  for (const [index, extent] of shape.entries()) header.writeUInt32BE(extent, 4 + 4 * index);
  return Buffer.concat([header, values]);
}

const pixels = Uint8Array.from({ length: 3 * 4 * 5 }, (_, index) => (index * 37) % 256);
const images = idx([3, 4, 5], pixels);
const labels = idx([3], Uint8Array.of(7, 0, 7));

const samplesOf = ({ samples }: Awaited<ReturnType<typeof openDataSet>>) =>
  samples.map(({ name, label, mediaType }) => [name, label, mediaType]);

test('IDX files, gzipped or not, give PNGs of the very pixels, and labels found by their name', async () => {
  const root = temporaryFolder();
  const plain = join(root, 'test-images-idx3-ubyte');
  const zipped = `${plain}.gz`;
  await writeFile(plain, images);
  await writeFile(join(root, 'test-labels-idx1-ubyte'), labels);
  await writeFile(zipped, gzipSync(images));
  await writeFile(join(root, 'test-labels-idx1-ubyte.gz'), gzipSync(labels));

  const [one, other] = [await openDataSet(plain, undefined), await openDataSet(zipped, undefined)];
  assert.equal(one.sha256, other.sha256);
  assert.equal(other.name, 'test-images-idx3-ubyte.gz');
  assert.deepEqual(samplesOf(other), [
    ['image 0', '7', 'image/png'],
    ['image 1', '0', 'image/png'],
    ['image 2', '7', 'image/png'],
  ]);
  for (const [index, sample] of other.samples.entries()) {
    const { data, info } = await sharp(await sample.read())
      .toColourspace('b-w')
      .raw()
      .toBuffer({ resolveWithObject: true });
    assert.deepEqual([info.width, info.height, info.channels], [5, 4, 1]);
    assert.deepEqual(new Uint8Array(data), pixels.subarray(index * 20, (index + 1) * 20));
  }
});

test('labels that are optional are read where there are some', async () => {
  const root = temporaryFolder();
  const [labelled, bare] = [join(root, 'test-images-idx3-ubyte'), join(root, 'bare-images-idx3-ubyte')];
  await writeFile(labelled, images);
  await writeFile(join(root, 'test-labels-idx1-ubyte'), labels);
  await writeFile(bare, images);
  const folder = join(root, 'folder');
  await mkdir(join(folder, 'cat'), { recursive: true });
  await writeFile(join(folder, 'cat', 'a.png'), '');
  await writeFile(join(folder, 'b.png'), '');
  const labelsOf = async (path: string) => {
    const { samples } = await openDataSet(path, undefined, { labelled: 'optional' });
    return samples.map(({ label }) => label);
  };
  assert.deepEqual(await labelsOf(labelled), ['7', '0', '7']);
  assert.deepEqual(await labelsOf(bare), ['', '', '']);
  assert.deepEqual(await labelsOf(folder), ['', 'cat']);
});

test('IDX files that do not fit are one sentence', async () => {
  const root = temporaryFolder();
  const at = async (name: string, bytes: Uint8Array): Promise<string> => {
    await writeFile(join(root, name), bytes);
    return join(root, name);
  };
  const good = await at('a-images', images);
  const two = await at('two-labels', idx([2], Uint8Array.of(1, 2)));
  await assert.rejects(openDataSet(good, two), { name: 'UsageError', message: /3 images but 2 labels/ });
  await assert.rejects(openDataSet(good, good), {
    name: 'UsageError',
    message: /not an IDX file.* 1 dimension\./,
  });
  await assert.rejects(openDataSet(two, two), {
    name: 'UsageError',
    message: /not an IDX file.* 3 dimensions\./,
  });
  await assert.rejects(
    openDataSet(await at('b-images', images.subarray(0, -1)), two),
    /59 values.*3 × 4 × 5/,
  );
  await assert.rejects(openDataSet(await at('text', Buffer.from('hello')), undefined), /Give --labels/);
  await assert.rejects(openDataSet(good, undefined), {
    name: 'UsageError',
    message: /cannot be read: ENOENT/,
  });
  await assert.rejects(openDataSet(join(root, 'none'), undefined), { name: 'UsageError', message: /ENOENT/ });
  const flat = await at('d-images', idx([2, 0, 5], new Uint8Array()));
  await assert.rejects(openDataSet(flat, two), {
    name: 'UsageError',
    message: /"d-images" has no pixels.* 5 × 0/,
  });
  const none = await at('c-images', idx([0, 4, 5], new Uint8Array()));
  await assert.rejects(openDataSet(none, await at('c-labels', idx([0], new Uint8Array()))), {
    name: 'UsageError',
    message: /contains no images/,
  });
});

const files = [
  ['test/cat/1.jpg', 'image/jpeg'],
  ['test/cat/notes.txt', undefined],
  ['test/dog/2.PNG', 'image/png'],
  ['test/dog/3.webp', 'image/webp'],
  ['test/dog/.hidden.png', undefined],
] as const;
const expected = files.flatMap(([name, type]) => (type ? [[name, name.split('/')[1], type]] : []));
const bytesOf = (name: string) => Buffer.from(`the bytes of ${name} `.repeat(20));

test('a folder and a zip of class folders hold the same samples', async () => {
  const root = temporaryFolder();
  for (const [name] of files) {
    await mkdir(join(root, 'set', dirname(name)), { recursive: true });
    await writeFile(join(root, 'set', name), bytesOf(name));
  }
  await writeFile(join(root, 'set.zip'), zipOf(files.map(([name]) => [name, bytesOf(name)])));

  for (const path of ['set', 'set.zip']) {
    const dataSet = await openDataSet(join(root, path), undefined);
    assert.deepEqual(samplesOf(dataSet), expected);
    for (const { name, read } of dataSet.samples) assert.deepEqual(Buffer.from(await read()), bytesOf(name));
    assert.match(dataSet.sha256, /^[0-9a-f]{64}$/);
    dataSet.close();
  }
  const before = (await openDataSet(join(root, 'set'), undefined)).sha256;
  await writeFile(join(root, 'set/test/dog/3.webp'), 'another image');
  assert.notEqual((await openDataSet(join(root, 'set'), undefined)).sha256, before);
});

test('folders and zips that are no data set are one sentence', async () => {
  const root = temporaryFolder();
  const zip = join(root, 'a.zip');
  await assert.rejects(openDataSet(root, undefined), { name: 'UsageError', message: /contains no images/ });
  await writeFile(join(root, 'loose.png'), 'x');
  await assert.rejects(openDataSet(root, undefined), {
    name: 'UsageError',
    message: /"loose.png" lies in no folder/,
  });
  await assert.rejects(openDataSet(root, 'labels'), {
    name: 'UsageError',
    message: /--labels is for IDX images/,
  });
  await writeFile(zip, zipOf([['cat/a.png', bytesOf('a')]]).subarray(0, 200));
  await assert.rejects(openDataSet(zip, undefined), {
    name: 'UsageError',
    message: /The zip cannot be read/,
  });
});

test('an image or folder that cannot be read is one sentence', async () => {
  const root = temporaryFolder();
  await mkdir(join(root, 'cat'));
  await symlink('nowhere', join(root, 'cat', 'a.png'));
  await assert.rejects(openDataSet(root, undefined), {
    name: 'UsageError',
    message: /^"cat\/a.png" cannot be read: ENOENT/,
  });
  await rm(join(root, 'cat', 'a.png'));
  await mkdir(join(root, 'cat', 'b.png'));
  await assert.rejects(openDataSet(root, undefined), {
    name: 'UsageError',
    message: /^"cat\/b.png" cannot be read: EISDIR/,
  });
});

test('a limit keeps every class of a sorted data set', () => {
  const sorted = Array.from({ length: 100 }, (_, index) => ({
    name: String(index),
    label: String(Math.floor(index / 10)),
    mediaType: 'image/png' as const,
    read: async () => new Uint8Array(),
  }));
  assert.deepEqual(
    takeEvenly(sorted, 10).map(({ label }) => label),
    ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  );
  assert.equal(takeEvenly(sorted, 1000).length, 100);
  assert.equal(new Set(takeEvenly(sorted, 99)).size, 99);
  assert.deepEqual(classIndices(sorted.slice(0, 11), ['1', '0']), [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]);
  assert.throws(() => classIndices(sorted, ['0', '1', '2', '3', '4', '5', '6', '7']), {
    name: 'UsageError',
    message: /no class "8", "9"; its classes are 0, 1/,
  });
});
