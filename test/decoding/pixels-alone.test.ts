// What an image carries beside its pixels costs nothing: text is not inflated, later frames are not looked up.
import assert from 'node:assert/strict';
import test from 'node:test';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { createDecoder } from '../../src/decoding/decode.js';
import { withoutText } from '../../src/decoding/png-header.js';
import { firstFrameOnly } from '../../src/decoding/webp-header.js';
import { insertPngChunks, modelInput, pngChunk, texture, textured } from '../support/images/images.js';

const decoder = createDecoder({ maxImagePixels: 1_000_000, maxImageMemoryBytes: 2 ** 28 });
const input = modelInput({ height: 28, width: 28, channels: 3 });
const decode = async (image: Buffer) => Buffer.from(await decoder.decode(image, undefined, input));

const png = await textured(40, 40, 3).png().toBuffer();
const text = (type: string, compressed: Uint8Array) =>
  pngChunk(type, Buffer.concat([Buffer.from('note\0\0', 'latin1'), compressed]));

test('compressed text of a PNG is not inflated: forty times fifty megabytes need no memory', async () => {
  const bomb = text('zTXt', deflateSync(Buffer.alloc(50_000_000, 'A')));
  const loaded = insertPngChunks(png, 'IDAT', ...Array.from({ length: 40 }, () => bomb));
  const before = process.resourceUsage().maxRSS;
  assert.deepEqual(await decode(loaded), await decode(png));
  assert.ok(process.resourceUsage().maxRSS - before < 200_000, 'kibibytes');
});

test('text is left out wherever it stands, and nothing else is', () => {
  const date = pngChunk('tIME', Buffer.alloc(7));
  const words = [
    text('tEXt', Buffer.from('x')),
    text('iTXt', Buffer.from('x')),
    text('zTXt', Buffer.from('x')),
  ];
  const whole = insertPngChunks(png, 'IDAT', ...words, date, ...words);
  assert.deepEqual(withoutText(insertPngChunks(whole, 'IEND', ...words)), insertPngChunks(png, 'IDAT', date));
  assert.equal(withoutText(png), png);
  const start = png.indexOf('IDAT', 0, 'latin1') - 4;
  const cut = insertPngChunks(png, 'IDAT', text('zTXt', Buffer.from('x'))).subarray(0, start + 15);
  assert.deepEqual(withoutText(cut), png.subarray(0, start));
});

test('of an animated WebP the first frame is left, and what says how to show it', async () => {
  const frames = [1, 2, 3].map((seed) => texture(40, 40, 3).map((value) => (value * seed) % 256));
  const raw = { width: 40, height: 120, channels: 3 as const, pageHeight: 40 };
  const animated = await sharp(Buffer.concat(frames), { raw })
    .withExif({ IFD0: { Orientation: '6' } })
    .webp({ lossless: true, loop: 0 })
    .toBuffer();
  const count = (image: Buffer, name: string) => image.toString('latin1').split(name).length - 1;
  assert.equal(count(animated, 'ANMF'), 3);
  const first = firstFrameOnly(animated);
  assert.equal(count(first, 'ANMF'), 1);
  assert.equal(count(first, 'EXIF'), count(animated, 'EXIF'));
  assert.equal(first.readUInt32LE(4), first.length - 8);
  const still = await sharp(frames[0], { raw: { width: 40, height: 40, channels: 3 } })
    .withExif({ IFD0: { Orientation: '6' } })
    .webp({ lossless: true })
    .toBuffer();
  assert.deepEqual(await decode(animated), await decode(still));
  assert.equal(firstFrameOnly(still), still);
});
