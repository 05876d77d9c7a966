// Polarity: which images are inverted, in the decoders' order of things, and that an inverted copy means the same.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import sharp from 'sharp';
import { decodeSample } from '../../src/datasets/decode-sample.js';
import { createDecoder } from '../../src/decoding/decode.js';
import { correctPolarity } from '../../src/decoding/polarity.js';
import type { ModelInput } from '../../src/format/manifest.js';
import { modelInput } from '../support/images/images.js';

const input: ModelInput = { ...modelInput({ height: 5, width: 4, channels: 1 }), polarity: 'auto' };
/** Of 4 × 5 pixels, 14 are on the border. */
const BORDER = [0, 1, 2, 3, 4, 7, 8, 11, 12, 15, 16, 17, 18, 19];

/** An image with so many border pixels of `level`; all others are 0. */
function withBorder(count: number, level: number): Uint8Array {
  const pixels = new Uint8Array(20);
  for (const place of BORDER.slice(0, count)) pixels[place] = level;
  return pixels;
}

test('an image is inverted if more than half of its border is bright, whatever is inside', () => {
  for (const [count, level, isInverted] of [
    [0, 0, false],
    [7, 255, false],
    [8, 255, true],
    [14, 127, false],
    [14, 128, true],
    [8, 127, false],
  ] as const) {
    const pixels = withBorder(count, level);
    const before = pixels.slice();
    assert.equal(correctPolarity(pixels, input), isInverted, `${count} of ${level}`);
    assert.deepEqual(pixels, isInverted ? before.map((value) => 255 - value) : before);
  }
  const inside = new Uint8Array(20).fill(255);
  for (const place of BORDER) inside[place] = 0;
  assert.equal(correctPolarity(inside, input), false);
});

test('images of one row or one column are all border', () => {
  for (const [height, width] of [
    [1, 6],
    [6, 1],
    [1, 1],
  ] as const) {
    const line: ModelInput = { ...input, height, width };
    assert.equal(correctPolarity(new Uint8Array(height * width).fill(200), line), true);
    assert.equal(correctPolarity(new Uint8Array(height * width).fill(100), line), false);
  }
});

test('without polarity no image is inverted', () => {
  const white = new Uint8Array(20).fill(255);
  assert.equal(correctPolarity(white, modelInput({ height: 5, width: 4, channels: 1 })), false);
  assert.deepEqual(white, new Uint8Array(20).fill(255));
});

test('every example digit and its inverted copy give the same pixels, also at another size', async () => {
  const digits: ModelInput = { ...modelInput({ height: 28, width: 28, channels: 1 }), polarity: 'auto' };
  const decoder = createDecoder({ maxImagePixels: 2 ** 20, maxImageMemoryBytes: 2 ** 28 });
  const decode = (bytes: Buffer) =>
    decodeSample(
      decoder,
      { name: 'digit', label: '', mediaType: 'image/png', read: async () => bytes },
      digits,
    );
  for (const name of ['digit-0', 'digit-1', 'digit-8', 'hard-4', 'hard-7']) {
    const png = await readFile(`docs/examples/${name}.png`);
    const plain = await decode(png);
    const ink = plain.reduce((sum, value) => sum + value, 0) / plain.length;
    assert.ok(ink < 100, `${name} stays white on black`);
    const turned = (width: number) =>
      sharp(png).resize(width, width, { kernel: 'nearest' }).negate().toColourspace('b-w').png().toBuffer();
    assert.deepEqual(await decode(await turned(28)), plain, name);
    const large = await decode(await turned(280));
    const difference = large.reduce((sum, value, at) => sum + Math.abs(value - (plain[at] ?? 0)), 0);
    assert.ok(difference / plain.length < 12, `${name}: ${difference / plain.length} grey levels`);
  }
});
