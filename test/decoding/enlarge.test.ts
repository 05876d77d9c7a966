// Enlarged images: as Pillow's bicubic enlarges them, and with the centre in the centre, whatever the sizes and the rule.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createDecoder } from '../../src/decoding/decode.js';
import { enlarge } from '../../src/decoding/enlarge.js';
import { fromPixels, modelInput, texture, textured } from '../support/images/images.js';

const decoder = createDecoder({ maxImagePixels: 10_000_000, maxImageMemoryBytes: 2 ** 28 });
const rules = ['fill', 'cover', 'contain'] as const;

test('what Pillow makes of 5 × 3 pixels in 9 × 7: the same', () => {
  const pixels = Uint8Array.of(0, 10, 200, 255, 30, 90, 250, 5, 60, 120, 255, 0, 255, 0, 128);
  const byPillow = [
    [0, 0, 0, 84, 219, 255, 255, 93, 1],
    [6, 13, 26, 96, 180, 232, 224, 95, 23],
    [31, 78, 155, 128, 74, 117, 148, 102, 74],
    [77, 143, 248, 152, 5, 19, 67, 105, 125],
    [161, 167, 159, 136, 102, 46, 26, 96, 138],
    [239, 174, 34, 111, 230, 104, 5, 86, 138],
    [255, 179, 0, 102, 255, 124, 0, 82, 139],
  ];
  const ours = enlarge(pixels, { width: 5, height: 3 }, modelInput({ width: 9, height: 7, channels: 1 }));
  byPillow.flat().forEach((value, index) => {
    assert.ok(Math.abs((ours[index] ?? 0) - value) <= 1, `pixel ${index}: ${ours[index]}, not ${value}`);
  });
});

const small: readonly (readonly [width: number, height: number])[] = [
  [20, 20],
  [7, 7],
  [20, 15],
  [15, 20],
  [27, 26],
  [20, 101],
  [1, 1],
];

for (const resize of rules) {
  test(`${resize}: a blob in the middle of a small image stays in the middle`, async () => {
    for (const [width, height] of small) {
      for (const [toWidth, toHeight] of [
        [28, 28],
        [41, 32],
      ] as const) {
        const input = modelInput({ width: toWidth, height: toHeight, channels: 1 }, { resize });
        const blurred = await decode(await blob(width, height), input);
        const [x, y] = centroid(blurred, toWidth);
        const name = `${width} × ${height} to ${toWidth} × ${toHeight}: ${x}, ${y}`;
        const isEnlarged = resize !== 'contain' || (width <= toWidth && height <= toHeight);
        // What is reduced to be contained is padded by whole pixels.
        const tolerance = isEnlarged ? 0.02 : 0.51;
        assert.ok(Math.hypot(x - toWidth / 2, y - toHeight / 2) <= tolerance, name);
      }
    }
  });
}

test('reduced images are not shifted either', async () => {
  for (const side of [56, 64, 100, 280, 1000]) {
    for (const encode of ['png', 'jpeg', 'webp'] as const) {
      const image = await fromPixels(blobPixels(side, side), side, side, 1).toFormat(encode).toBuffer();
      const [x, y] = centroid(await decode(image, modelInput({ width: 28, height: 28, channels: 1 })), 28);
      assert.ok(Math.hypot(x - 14, y - 14) <= 0.1, `${encode}, ${side}: ${x}, ${y}`);
    }
  }
});

test('turned images are enlarged upright', async () => {
  const pixels = texture(20, 12, 1);
  const turned = Uint8Array.from(pixels, (_, i) => pixels[(11 - (i % 12)) * 20 + Math.floor(i / 12)] ?? 0);
  const stored = await fromPixels(pixels, 20, 12, 1).withMetadata({ orientation: 6 }).png().toBuffer();
  const upright = await fromPixels(turned, 12, 20, 1).png().toBuffer();
  for (const resize of rules) {
    const input = modelInput({ width: 30, height: 28, channels: 1 }, { resize, background: 9 });
    assert.deepEqual(await decode(stored, input), await decode(upright, input), resize);
  }
});

test('one axis enlarged, the other reduced', async () => {
  const ramp = Uint8Array.from({ length: 10 * 300 }, (_, i) => Math.floor(i / 10 / 3) + 15 * (i % 10));
  const image = await fromPixels(ramp, 10, 300, 1).png().toBuffer();
  const decoded = await decode(image, modelInput({ width: 20, height: 30, channels: 1 }));
  for (let y = 2; y < 28; y++) {
    for (let x = 4; x < 16; x++) {
      const expected = ((y + 0.5) * 10 - 0.5) / 3 + 15 * ((x + 0.5) / 2 - 0.5);
      assert.ok(Math.abs((decoded[y * 20 + x] ?? 0) - expected) <= 2, `${x}, ${y}`);
    }
  }
});

test('contained: the background around it, in halves where pixels are cut in two; transparency shows it, too', async () => {
  const white = await fromPixels(new Uint8Array(4 * 3).fill(255), 4, 3, 1)
    .png()
    .toBuffer();
  const input = modelInput({ width: 8, height: 9, channels: 1 }, { resize: 'contain', background: 55 });
  const rows = await decode(white, input);
  const columns = Array.from({ length: 9 }, (_, y) => rows[y * 8 + 4]);
  // Twice as large, it is six rows high, and 1.5 are left on either side.
  assert.deepEqual(columns, [55, 155, 255, 255, 255, 255, 255, 155, 55]);
  const clear = await fromPixels(new Uint8Array(4 * 3 * 4), 4, 3, 4)
    .png()
    .toBuffer();
  assert.deepEqual(new Set(await decode(clear, input)), new Set([55]));
});

test('a picture as narrow as can be costs little', async () => {
  const image = await textured(3, 60_000, 3).png().toBuffer();
  for (const resize of rules) {
    const decoded = await decode(image, modelInput({ width: 28, height: 28, channels: 3 }, { resize }));
    assert.equal(decoded.length, 28 * 28 * 3);
  }
});

async function decode(image: Buffer, input: ReturnType<typeof modelInput>): Promise<Uint8Array> {
  return decoder.decode(image, undefined, input);
}

async function blob(width: number, height: number): Promise<Buffer> {
  return fromPixels(blobPixels(width, height), width, height, 1).png().toBuffer();
}

/** A round spot of light in the middle, six standard deviations across the shorter side. */
function blobPixels(width: number, height: number): Uint8Array {
  const unit = Math.min(width, height) / 6;
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const x = ((i % width) + 0.5 - width / 2) / unit;
    const y = (Math.floor(i / width) + 0.5 - height / 2) / unit;
    return Math.round(250 * Math.exp(-(x * x + y * y) / 2));
  });
}

function centroid(pixels: Uint8Array, width: number): [x: number, y: number] {
  let [sum, x, y] = [0, 0, 0];
  pixels.forEach((value, index) => {
    sum += value;
    x += value * ((index % width) + 0.5);
    y += value * (Math.floor(index / width) + 0.5);
  });
  return [x / sum, y / sum];
}
