// What a client's image becomes: size, orientation, colours, transparency, frames. Refusals: decode/refusals.test.ts.
import assert from 'node:assert/strict';
import test from 'node:test';
import { deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { createDecoder } from '../../src/decoding/decode.js';
import {
  fromPixels,
  insertPngChunks,
  modelInput,
  pngChunk,
  texture,
  textured,
} from '../support/images/images.js';
import { print } from '../support/images/odd-jpegs.js';

const decoder = createDecoder({ maxImagePixels: 1_000_000, maxImageMemoryBytes: 2 ** 28 });
const grey28 = modelInput({ height: 28, width: 28, channels: 1 });
const rgb28 = modelInput({ height: 28, width: 28, channels: 3 });

test('a plain image of the model’s size comes back at once, row by row, channels last', async () => {
  const pixels = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18);
  const image = await fromPixels(pixels, 3, 2, 3).png().toBuffer();
  const decoded = decoder.decode(image, 'image/png', modelInput({ height: 2, width: 3, channels: 3 }));
  assert.ok(decoded instanceof Uint8Array, 'a promise came back');
  assert.deepEqual([...decoded], [...pixels]);
});

test('images of a shipped model’s own size are its pixels as they are stored, bit by bit: certificates rest on that', async () => {
  for (const [side, channels] of [
    [28, 1],
    [32, 3],
  ] as const) {
    const pixels = texture(side, side, channels);
    const png = await fromPixels(pixels, side, side, channels).png().toBuffer();
    const webp = await fromPixels(pixels, side, side, channels).webp({ lossless: true }).toBuffer();
    for (const resize of ['fill', 'cover', 'contain'] as const) {
      const input = modelInput({ height: side, width: side, channels }, { resize });
      assert.deepEqual(decoder.decode(png, 'image/png', input), pixels);
      assert.deepEqual(await decoder.decode(webp, 'image/webp', input), pixels);
    }
  }
});

test('the pixels lie in memory of their own, so that they can be transferred to a worker', async () => {
  const small = await textured(28, 28, 1).png().toBuffer();
  const large = await textured(56, 56, 1).png().toBuffer();
  for (const image of [small, large]) {
    const decoded = await decoder.decode(image, undefined, grey28);
    assert.equal(decoded.buffer.byteLength, 28 * 28);
    assert.equal(structuredClone(decoded, { transfer: [decoded.buffer as ArrayBuffer] }).length, 28 * 28);
  }
});

test('bytes that are a view into a larger buffer are read where they lie', async () => {
  const image = await textured(28, 28, 1).png().toBuffer();
  const padded = new Uint8Array(image.length + 20).fill(7);
  padded.set(image, 9);
  const decoded = await decoder.decode(padded.subarray(9, 9 + image.length), undefined, grey28);
  assert.deepEqual(decoded, texture(28, 28, 1));
});

test('grey is the Rec. 601 luma of RGB, whether the image is resized or not', async () => {
  for (const size of [28, 280]) {
    const image = await solid(size, { r: 200, g: 100, b: 50 }).png().toBuffer();
    const decoded = await decoder.decode(image, 'image/png', grey28);
    assert.deepEqual(new Set(decoded), new Set([Math.round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)]));
  }
});

test('a grey image is replicated for an RGB model, whether it is resized or not', async () => {
  for (const size of [28, 56]) {
    const image = await textured(size, size, 1).png().toBuffer();
    const decoded = await decoder.decode(image, 'image/png', rgb28);
    assert.equal(decoded.length, 28 * 28 * 3);
    assert.ok(new Set(decoded).size > 20);
    for (let i = 0; i < decoded.length; i += 3) {
      assert.deepEqual([decoded[i + 1], decoded[i + 2]], [decoded[i], decoded[i]]);
    }
  }
});

test('transparency shows the background, whether the image is resized or not', async () => {
  const input = modelInput({ height: 28, width: 28, channels: 3 }, { background: 90 });
  for (const size of [28, 56]) {
    const clear = await solid(size, { r: 255, g: 0, b: 0, alpha: 0 }).png().toBuffer();
    assert.deepEqual(new Set(await decoder.decode(clear, undefined, input)), new Set([90]));
    const half = await solid(size, { r: 255, g: 255, b: 255, alpha: 0.5 }).png().toBuffer();
    for (const value of await decoder.decode(half, undefined, input)) {
      assert.ok(Math.abs(value - (255 + 90) / 2) <= 1, `${value}`);
    }
  }
});

// A wide image, 40 × 20: left half white, right half black but for its last quarter, which is white again.
const wide = Uint8Array.from({ length: 40 * 20 }, (_, i) => (i % 40 < 20 || i % 40 >= 30 ? 255 : 0));
const background = 128;

test('fill stretches', async () => {
  const rows = await resizedWide('fill');
  for (const row of rows) assert.deepEqual(near(row, [2, 7, 12, 17]), [255, 255, 0, 255]);
});

test('cover keeps the centre', async () => {
  const rows = await resizedWide('cover');
  for (const row of rows) assert.deepEqual(near(row, [2, 7, 12, 17]), [255, 255, 0, 0]);
});

test('contain keeps everything and pads with the background', async () => {
  const rows = await resizedWide('contain');
  for (const row of [0, 4, 15, 19]) assert.deepEqual(new Set(rows[row]), new Set([background]));
  for (const row of rows.slice(6, 14)) assert.deepEqual(near(row, [2, 7, 12, 17]), [255, 255, 0, 255]);
});

test('an image that shares one side with the model is resized too', async () => {
  for (const [width, height] of [
    [28, 14],
    [14, 28],
    [28, 56],
  ] as const) {
    const image = await textured(width, height, 1).png().toBuffer();
    assert.equal((await decoder.decode(image, 'image/png', grey28)).length, 28 * 28);
  }
});

test('an image is turned upright before anything else, even one of the model’s size', async () => {
  const topHalf = Uint8Array.from({ length: 28 * 28 }, (_, i) => (i < 14 * 28 ? 255 : 0));
  for (const encode of ['png', 'jpeg', 'webp'] as const) {
    const image = fromPixels(topHalf, 28, 28, 1).toFormat(encode).withMetadata({ orientation: 6 });
    const decoded = await decoder.decode(await image.toBuffer(), `image/${encode}`, grey28);
    // Orientation 6: the stored top is the right side.
    assert.deepEqual(near(decoded.subarray(0, 28), [3, 24]), [0, 255], encode);
    assert.deepEqual(near(decoded.subarray(27 * 28), [3, 24]), [0, 255], encode);
  }
});

test('16 bits become 8', async () => {
  const deep = Uint16Array.from({ length: 28 * 28 }, (_, i) => i * 80);
  const image = sharp(deep, { raw: { width: 28, height: 28, channels: 1 } }).toColourspace('grey16');
  const png = await image.png().toBuffer();
  assert.equal(png[24], 16, 'not a PNG of 16 bits');
  const decoded = await decoder.decode(png, 'image/png', grey28);
  decoded.forEach((value, i) => {
    assert.ok(Math.abs(value - (i * 80) / 257) <= 1, `pixel ${i} is ${value}`);
  });
});

test('CMYK becomes RGB', async () => {
  const image = await solid(28, { r: 220, g: 40, b: 40 }).toColourspace('cmyk').jpeg().toBuffer();
  const [red = 0, green = 0] = await decoder.decode(image, 'image/jpeg', rgb28);
  assert.ok(red > 180 && green < 90, `red ${red}, green ${green}`);
});

test('YCCK becomes what the same colours in CMYK become', async () => {
  for (const side of [16, 8, 28]) {
    const input = modelInput({ height: side, width: side, channels: 3 });
    const [cmyk, ycck] = [
      await decoder.decode(print.cmyk, undefined, input),
      await decoder.decode(print.ycck, undefined, input),
    ];
    cmyk.forEach((value, i) => {
      assert.ok(Math.abs(value - (ycck[i] ?? 0)) <= 3, `${side}: ${value} and ${ycck[i]}`);
    });
  }
});

test('a damaged ICC profile is ignored, whatever the size', async () => {
  const pixels = texture(28, 28, 3);
  const png = await fromPixels(pixels, 28, 28, 3).png().toBuffer();
  const damaged = [
    Buffer.from('icc\0\0no deflated data', 'latin1'),
    Buffer.concat([Buffer.from('icc\0\0', 'latin1'), deflateSync(Buffer.from('no profile at all'))]),
  ];
  for (const profile of damaged) {
    const image = insertPngChunks(png, 'IDAT', pngChunk('iCCP', profile));
    for (const side of [28, 20, 40]) {
      const input = modelInput({ height: side, width: side, channels: 3 });
      assert.deepEqual(
        await decoder.decode(image, undefined, input),
        await decoder.decode(png, undefined, input),
      );
    }
  }
});

test('16 bits of colour become 8', async () => {
  const deep = Uint16Array.from({ length: 28 * 28 * 3 }, (_, i) => i * 25);
  const image = sharp(deep, { raw: { width: 28, height: 28, channels: 3 } }).toColourspace('rgb16');
  const decoded = await decoder.decode(await image.png().toBuffer(), 'image/png', rgb28);
  decoded.forEach((value, i) => {
    assert.ok(Math.abs(value - (i * 25) / 257) <= 1, `value ${i} is ${value}`);
  });
});

test('an ICC profile is applied: a wide-gamut encoding of a colour is that colour', async () => {
  const image = await solid(28, { r: 200, g: 80, b: 60 }).withIccProfile('p3').png().toBuffer();
  const stored = await sharp(image, { ignoreIcc: true }).raw().toBuffer();
  assert.notDeepEqual([...stored.subarray(0, 3)], [200, 80, 60]);
  const [red = 0, green = 0, blue = 0] = await decoder.decode(image, 'image/png', rgb28);
  assert.ok(Math.abs(red - 200) + Math.abs(green - 80) + Math.abs(blue - 60) <= 6, `${red} ${green} ${blue}`);
});

test('the first frame of an animated WebP counts', async () => {
  const frames = [255, 0].map((grey) => solid(28, { r: grey, g: grey, b: grey }).png().toBuffer());
  const image = await sharp(await Promise.all(frames), { join: { animated: true } })
    .webp()
    .toBuffer();
  assert.equal((await sharp(image).metadata()).pages, 2, 'not an animation');
  const decoded = await decoder.decode(image, 'image/webp', grey28);
  assert.ok(decoded.every((value) => value === 255));
});

test('the default image of an animated PNG counts', async () => {
  const still = await textured(28, 28, 1).png().toBuffer();
  const animation = pngChunk('acTL', Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 0));
  const decoding = decoder.decode(insertPngChunks(still, 'IDAT', animation), 'image/png', grey28);
  assert.ok(decoding instanceof Promise, 'the fast path took an animation');
  assert.deepEqual(await decoding, texture(28, 28, 1));
});

function solid(size: number, colour: { r: number; g: number; b: number; alpha?: number }): Sharp {
  const channels = colour.alpha === undefined ? 3 : 4;
  return sharp({ create: { width: size, height: size, channels, background: colour } });
}

async function resizedWide(resize: 'fill' | 'cover' | 'contain'): Promise<Uint8Array[]> {
  const image = await fromPixels(wide, 40, 20, 1).png().toBuffer();
  const input = modelInput({ height: 20, width: 20, channels: 1 }, { resize, background });
  const decoded = await decoder.decode(image, 'image/png', input);
  return Array.from({ length: 20 }, (_, row) => decoded.subarray(row * 20, row * 20 + 20));
}

/** The values at these places, each rounded to black or white where it rings or blurs a little. */
function near(row: Uint8Array, places: readonly number[]): (number | undefined)[] {
  return places
    .map((place) => row.at(place))
    .map((v) => (v === undefined || (v > 24 && v < 231) ? v : v < 128 ? 0 : 255));
}
