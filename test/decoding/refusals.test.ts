// Images that are refused: with which failure, in which words, and at what cost.
import assert from 'node:assert/strict';
import test from 'node:test';
import sharp from 'sharp';
import { createDecoder } from '../../src/decoding/decode.js';
import type { MediaType } from '../../src/decoding/media-types.js';
import { readHeader } from '../../src/decoding/read-header.js';
import { createSharpDecode } from '../../src/decoding/sharp-path.js';
import { Failure, type FailureType } from '../../src/foundation/errors.js';
import { modelInput, pngOfSize, resizeJpegHeader, textured } from '../support/images/images.js';

const decoder = createDecoder({ maxImagePixels: 1_000_000, maxImageMemoryBytes: 2 ** 28 });
const input = modelInput({ height: 28, width: 28, channels: 1 });

const png = await textured(40, 40, 3).png().toBuffer();
const jpeg = await textured(40, 40, 3).jpeg().toBuffer();
const webp = await textured(40, 40, 3).webp().toBuffer();
const lossless = await textured(40, 40, 3).webp({ lossless: true }).toBuffer();

const foreign: readonly (readonly [bytes: Uint8Array | string, says: RegExp])[] = [
  ['', /empty/],
  ['hello', /no image of a known format/],
  [await textured(28, 28, 3).gif().toBuffer(), /GIF/],
  [await textured(28, 28, 3).tiff().toBuffer(), /TIFF/],
  [await textured(28, 28, 3).avif({ effort: 0 }).toBuffer(), /an AVIF image/],
  ['II+\0\x08\0\0\0', /a BigTIFF image/],
  ['MM\0+\0\x08\0\0', /a BigTIFF image/],
  ['\0\0\0\x0cjP  \r\n\x87\n', /a JPEG 2000 image/],
  // As cameras and libheif write them: the major brand, its version, the compatible brands.
  [mediaFile('avis', 'avis', 'msf1', 'miaf', 'MA1B'), /an AVIF image/],
  [mediaFile('mif1', 'mif1', 'avif', 'miaf'), /an AVIF image/],
  [mediaFile('heic', 'mif1', 'heic'), /a HEIC image/],
  [mediaFile('heix', 'mif1', 'heix'), /a HEIC image/],
  [mediaFile('hevc', 'msf1', 'hevc'), /a HEIC image/],
  [mediaFile('hevx', 'msf1', 'hevx'), /a HEIC image/],
  [mediaFile('mif1', 'mif1', 'heic', 'hevc'), /a HEIC image/],
  [mediaFile('msf1', 'msf1', 'iso8'), /a HEIF image/],
  [mediaFile('mif1', 'miaf'), /a HEIF image/],
  [mediaFile('isom', 'isom', 'mp41'), /a video or another ISO media file/],
  [mediaFile('qt  '), /a video or another ISO media file/],
  ['\0\0\0\0ftyp', /a video or another ISO media file/],
  ['BM\x36\x0c\0\0', /BMP/],
  ['%PDF-1.7\n', /PDF/],
  ['<svg xmlns="http://www.w3.org/2000/svg" width="28" height="28"/>', /SVG/],
  ['<?xml version="1.0"?><svg/>', /XML/],
  [png.toString('base64'), /base64/],
  [jpeg.toString('base64'), /base64/],
  [webp.toString('base64'), /base64/],
  [`data:image/png;base64,${png.toString('base64')}`, /data URL/],
];

for (const [index, [bytes, says]] of foreign.entries()) {
  test(`refused by its signature: ${says.source}, ${index}`, async () => {
    const image = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    for (const mediaType of [undefined, 'image/png', 'image/webp'] as const) {
      await refused('undecodable-image', image, says, mediaType);
    }
  });
}

test('refused: another format than the declared one', async () => {
  await refused('undecodable-image', jpeg, /declared as image\/png but is a JPEG image/, 'image/png');
  await refused('undecodable-image', png, /declared as image\/webp but is a PNG image/, 'image/webp');
  await refused('undecodable-image', webp, /declared as image\/jpeg but is a WebP image/, 'image/jpeg');
});

test('refused: an image that ends too early, wherever that is', async () => {
  for (const image of [png, jpeg, webp, lossless]) {
    for (const share of [0.02, 0.1, 0.3, 0.5, 0.7, 0.9]) {
      const cut = image.subarray(0, Math.max(12, Math.floor(image.length * share)));
      await refused('undecodable-image', cut, /truncated/);
    }
  }
});

test('refused: a truncated image of the model’s size, which the fast decoder would have filled up with grey', async () => {
  const small = await textured(28, 28, 1).jpeg().toBuffer();
  await refused('undecodable-image', small.subarray(0, small.length / 2), /truncated/);
});

test('refused: damaged pixels', async () => {
  const damaged = Buffer.from(png);
  damaged.writeUInt8(255 - damaged.readUInt8(damaged.length - 60), damaged.length - 60);
  await refused('undecodable-image', damaged, /corrupt/);
});

test('refused: an image without pixels', async () => {
  await refused('undecodable-image', pngOfSize(0, 28), /no pixels: its header says 0 × 28/);
  await refused('undecodable-image', resizeJpegHeader(jpeg, 28, 0), /no pixels: its header says 28 × 0/);
});

test('refused before a pixel is decoded: an image with too many', async () => {
  const canvas = Buffer.from(webp);
  canvas.writeUInt16LE(16_383, 26);
  canvas.writeUInt16LE(16_383, 28);
  const bombs: readonly (readonly [Buffer, RegExp])[] = [
    [pngOfSize(50_000, 50_000), /50000 × 50000 pixels; at most 1000000/],
    [resizeJpegHeader(jpeg, 50_000, 50_000), /50000 × 50000 pixels; at most 1000000/],
    [canvas, /16383 × 16383 pixels; at most 1000000/],
    [pngOfSize(1001, 1000), /1001 × 1000 pixels; at most 1000000/],
    [pngOfSize(1, 100_000), /each side may have at most 65535/],
  ];
  for (const [image, says] of bombs) {
    const memoryBefore = process.memoryUsage().rss;
    const started = performance.now();
    assert.throws(() => decoder.decode(image, undefined, input), { type: 'image-too-large', message: says });
    const tookMs = performance.now() - started;
    const grownBytes = process.memoryUsage().rss - memoryBefore;
    assert.ok(tookMs < 100, `took ${tookMs} ms`);
    assert.ok(grownBytes < 32 * 2 ** 20, `memory grew by ${grownBytes} bytes`);
  }
});

test('refused before a pixel is decoded: a JPEG that goes over its pixels again and again', async () => {
  const progressive = await textured(40, 40, 3).jpeg({ progressive: true }).toBuffer();
  const lastScan = progressive.lastIndexOf(Buffer.of(0xff, 0xda));
  const scan = progressive.subarray(lastScan, -2);
  const repeat = (times: number) =>
    Buffer.concat([progressive.subarray(0, lastScan), ...Array(times).fill(scan), progressive.subarray(-2)]);
  assert.equal((await decoder.decode(repeat(1), undefined, input)).length, 784);
  await refused('undecodable-image', repeat(100), /has more than 100 scans/);
});

test('exactly as many pixels as are allowed are accepted, in every kind of header', async () => {
  const image = textured(40, 25, 3);
  const exif = { IFD0: { Artist: 'nobody' } };
  const kinds = [
    image.clone().png(),
    image.clone().jpeg(),
    image.clone().jpeg({ progressive: true }).withExif(exif),
    image.clone().webp(),
    image.clone().webp({ lossless: true }),
    image.clone().webp().withExif(exif),
  ];
  for (const kind of kinds) {
    const bytes = await kind.toBuffer();
    const decoded = await createDecoder({ maxImagePixels: 1000, maxImageMemoryBytes: 2 ** 28 }).decode(
      bytes,
      undefined,
      input,
    );
    assert.equal(decoded.length, 784);
    const refuses = createDecoder({ maxImagePixels: 999, maxImageMemoryBytes: 2 ** 28 });
    assert.throws(() => refuses.decode(bytes, undefined, input), {
      type: 'image-too-large',
      message: /40 × 25/,
    });
  }
});

test('sharp holds the limit too, should a header ever be read wrongly', async () => {
  const header = readHeader('png', png);
  assert.ok(header);
  await assert.rejects(createSharpDecode(1599)(png, header, input), { type: 'image-too-large' });
});

test('no other loader of sharp is left open', async () => {
  const gif = await textured(28, 28, 3).gif().toBuffer();
  await assert.rejects(sharp(gif).raw().toBuffer(), /unsupported image format/);
});

/** The first box of an ISO media file, and some bytes of the next. */
function mediaFile(brand: string, ...compatible: string[]): Buffer {
  const box = Buffer.from(`\0\0\0\0ftyp${brand}\0\0\0\0${compatible.join('')}`, 'latin1');
  box.writeUInt32BE(box.length);
  return Buffer.concat([box, Buffer.from('\0\0\0\x10meta', 'latin1')]);
}

/** Expects the failure in words of our own: one sentence or two, no library's name, path or line break. */
async function refused(
  type: FailureType,
  image: Uint8Array,
  says: RegExp,
  mediaType?: MediaType,
): Promise<void> {
  const failure = await (async () => decoder.decode(image, mediaType, input))().then(
    () => assert.fail('it was accepted'),
    (error: unknown) => error,
  );
  assert.ok(failure instanceof Failure, String(failure));
  assert.equal(failure.type, type);
  assert.match(failure.message, says);
  assert.doesNotMatch(failure.message, /vips|libpng|napi|sharp|[\n\\]/i);
}
