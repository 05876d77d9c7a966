// Memory while decoding: estimated from the header, refused beyond the limit before a pixel is decoded, shared out in turn.
import assert from 'node:assert/strict';
import test from 'node:test';
import sharp from 'sharp';
import { createConfig } from '../../src/config/config.js';
import { createDecoder } from '../../src/decoding/decode.js';
import { createMemoryBudget } from '../../src/decoding/memory-budget.js';
import { readHeader } from '../../src/decoding/read-header.js';
import { modelInput, pngOfSize, resizeJpegHeader, textured } from '../support/images/images.js';

const input = modelInput({ height: 28, width: 28, channels: 3 });
const jpeg = await textured(40, 40, 3).jpeg().toBuffer();
const whole = await textured(40, 40, 3).jpeg({ chromaSubsampling: '4:4:4' }).toBuffer();

/** A frame header of a progressive JPEG of this size on an image that is not. */
function progressive(image: Buffer, width: number, height: number): Buffer {
  const copy = resizeJpegHeader(image, width, height);
  copy[copy.indexOf(Buffer.of(0xff, 0xc0)) + 1] = 0xc2;
  return copy;
}

function interlaced(width: number, height: number): Buffer {
  const png = pngOfSize(width, height);
  png[28] = 1;
  return png;
}

test('what is held whole is counted: coefficients of a progressive JPEG, an interlaced PNG, a WebP', async () => {
  const [width, height] = [4800, 3200];
  const rows = (channels: number) => 1200 * width * channels;
  const bytesOf = (format: 'jpeg' | 'png' | 'webp', image: Buffer) =>
    readHeader(format, image)?.decodingBytes;
  assert.equal(bytesOf('jpeg', resizeJpegHeader(jpeg, width, height)), rows(3));
  assert.equal(bytesOf('jpeg', progressive(jpeg, width, height)), rows(3) + width * height * 1.5 * 2);
  assert.equal(bytesOf('jpeg', progressive(whole, width, height)), rows(3) + width * height * 3 * 2);
  assert.equal(bytesOf('png', pngOfSize(width, height)), rows(4));
  assert.equal(bytesOf('png', interlaced(width, height)), rows(4) + width * height * 4);
  const webp = await textured(400, 300, 3).webp({ lossless: true }).toBuffer();
  assert.equal(bytesOf('webp', webp), 1200 * 400 * 4 + 400 * 300 * 4);
});

test('a JPEG whose scans bring one component each is held whole, too', async () => {
  const image = Buffer.from(jpeg);
  const scan = image.indexOf(Buffer.of(0xff, 0xda));
  image[scan + 4] = 1;
  const header = readHeader('jpeg', image);
  assert.equal(header?.decodingBytes, 1200 * 40 * 3 + 48 * 48 * 1.5 * 2);
});

test('by default photographs of 24 and 50 megapixels are let in, whatever their kind, and bombs are not', () => {
  const { maxImageMemoryBytes, maxImagePixels } = createConfig();
  for (const [width, height] of [
    [6000, 4000],
    [8192, 6144],
  ] as const) {
    assert.ok(width * height <= maxImagePixels);
    for (const image of [resizeJpegHeader(jpeg, width, height), progressive(whole, width, height)]) {
      assert.ok(
        (readHeader('jpeg', image)?.decodingBytes ?? Number.POSITIVE_INFINITY) <= maxImageMemoryBytes,
      );
    }
    for (const image of [pngOfSize(width, height), interlaced(width, height)]) {
      assert.ok((readHeader('png', image)?.decodingBytes ?? Number.POSITIVE_INFINITY) <= maxImageMemoryBytes);
    }
  }
  const decoder = createDecoder({ maxImagePixels, maxImageMemoryBytes });
  for (const bomb of [
    progressive(whole, 11_000, 11_000),
    interlaced(12_000, 11_500),
    pngOfSize(12_000, 12_000),
  ]) {
    assert.throws(() => decoder.decode(bomb, undefined, input), { type: 'image-too-large' });
  }
});

test('refused before a pixel is decoded: an image that takes more memory than there is', () => {
  const decoder = createDecoder({ maxImagePixels: 1e9, maxImageMemoryBytes: 64 * 2 ** 20 });
  const says = /6000 × 4000 pixels may take 15\d MiB of memory; at most 64 MiB .* not progressive/;
  const before = process.memoryUsage().rss;
  assert.throws(() => decoder.decode(progressive(whole, 6000, 4000), undefined, input), {
    type: 'image-too-large',
    message: says,
  });
  assert.ok(process.memoryUsage().rss - before < 16 * 2 ** 20);
});

test('the larger a JPEG, the fewer scans: all of them go over all pixels', async () => {
  const scans = (count: number) =>
    Buffer.concat([
      ...Array<Buffer>(count).fill(Buffer.of(0xff, 0xda, 0, 8, 1, 1, 0, 1, 5, 0)),
      Buffer.of(0xff, 0xd9),
    ]);
  const image = (count: number) =>
    Buffer.concat([
      progressive(jpeg, 10_000, 10_000).subarray(0, jpeg.indexOf(Buffer.of(0xff, 0xda))),
      scans(count),
    ]);
  const decoder = createDecoder({ maxImagePixels: 1e9, maxImageMemoryBytes: 1 });
  assert.throws(() => decoder.decode(image(16), undefined, input), { type: 'image-too-large' });
  assert.throws(() => decoder.decode(image(17), undefined, input), { message: /more than 16 scans/ });
});

test('a large photograph is read, and takes no more memory than was estimated', async () => {
  const raw = { create: { width: 6000, height: 4000, channels: 3 as const, background: '#c05030' } };
  const image = await sharp(raw).jpeg({ progressive: true }).toBuffer();
  const decoder = createDecoder(createConfig());
  const before = process.resourceUsage().maxRSS;
  const pixels = await decoder.decode(image, 'image/jpeg', input);
  const grownBytes = (process.resourceUsage().maxRSS - before) * 1024;
  assert.ok(Math.abs((pixels[0] ?? 0) - 0xc0) <= 2);
  const estimate = readHeader('jpeg', image)?.decodingBytes ?? 0;
  assert.ok(grownBytes <= estimate, `${grownBytes} bytes, estimated ${estimate}`);
});

test('many images at once wait for each other’s memory, and all are answered', async () => {
  const image = await textured(300, 300, 3).png().toBuffer();
  const one = readHeader('png', image)?.decodingBytes ?? 0;
  const decoder = createDecoder({ maxImagePixels: 1e6, maxImageMemoryBytes: one });
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => decoder.decode(image, undefined, input)),
  );
  for (const answer of answers) assert.deepEqual(answer, answers[0]);
});

test('the budget: never more at once than there is, first come first served, given back after a failure', async () => {
  const budget = createMemoryBudget(10);
  const [begun, ends]: [number[], Map<number, () => void>] = [[], new Map()];
  let [used, most] = [0, 0];
  const tasks = [6, 5, 10, 1].map((bytes) =>
    budget.run(bytes, async () => {
      begun.push(bytes);
      used += bytes;
      most = Math.max(most, used);
      await new Promise<void>((end) => ends.set(bytes, end));
      used -= bytes;
      if (bytes === 5) throw new Error('failed');
    }),
  );
  const settled = Promise.allSettled(tasks);
  for (const bytes of [6, 5, 10, 1]) {
    await new Promise((resolve) => setImmediate(resolve));
    ends.get(bytes)?.();
  }
  await settled;
  assert.deepEqual(begun, [6, 5, 10, 1]);
  assert.equal(most, 10);
});

test('who is not needed any more when its turn comes is dropped, without memory and without a task', async () => {
  const budget = createMemoryBudget(10);
  let end: () => void = () => {};
  const first = budget.run(10, () => new Promise<void>((resolve) => (end = resolve)));
  const began: string[] = [];
  const task = (name: string) => async () => void began.push(name);
  const gone = budget.run(10, task('gone'), () => new Error('the client has gone'));
  const wanted = budget.run(10, task('wanted'), () => undefined);
  const refused = assert.rejects(gone, /the client has gone/);
  end();
  await Promise.all([first, refused, wanted]);
  assert.deepEqual(began, ['wanted']);
  await budget.run(10, task('last'));
  assert.deepEqual(began, ['wanted', 'last']);
});
