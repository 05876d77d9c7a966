// Both decoders must see the same image: what one model is shown may not depend on a file's metadata.
import assert from 'node:assert/strict';
import test from 'node:test';
import { decodeFast, suitsFastPath } from '../../src/decoding/fast-path.js';
import type { ImageHeader } from '../../src/decoding/image-header.js';
import { formatOf, readHeader } from '../../src/decoding/read-header.js';
import { createSharpDecode } from '../../src/decoding/sharp-path.js';
import { fromPixels, insertPngChunks, modelInput, pngChunk, textured } from '../support/images/images.js';

const decodeWithSharp = createSharpDecode(1_000_000);
const flat = { chromaSubsampling: '4:4:4' };

const pngs: Record<string, Promise<Buffer>> = {
  grey: textured(28, 28, 1).png().toBuffer(),
  'grey and alpha': textured(28, 28, 2).png().toBuffer(),
  RGB: textured(28, 28, 3).png().toBuffer(),
  RGBA: textured(28, 28, 4).png().toBuffer(),
  'palette of 8 bits': textured(28, 28, 3).png({ palette: true }).toBuffer(),
  'palette of 4 bits': textured(28, 28, 3).png({ palette: true, colours: 9 }).toBuffer(),
  'palette of 1 bit': textured(28, 28, 3).png({ palette: true, colours: 2 }).toBuffer(),
  'palette with alpha': textured(28, 28, 4).png({ palette: true }).toBuffer(),
  interlaced: textured(28, 28, 3).png({ progressive: true }).toBuffer(),
  'with gamma': withChunk('gAMA', [0, 1, 0, 0], 'IDAT'),
  'with a transparent colour': withChunk('tRNS', [0, 127, 0, 127, 0, 127], 'IDAT'),
  'with text': withChunk('tEXt', [...Buffer.from('Title\0A texture')], 'IEND'),
};

const jpegs: Record<string, Promise<Buffer>> = {
  grey: textured(32, 32, 1).jpeg().toBuffer(),
  'whole chroma': textured(32, 32, 3)
    .jpeg({ ...flat, quality: 95 })
    .toBuffer(),
  'whole chroma, coarse': textured(32, 32, 3)
    .jpeg({ ...flat, quality: 40 })
    .toBuffer(),
  'halved chroma': textured(32, 32, 3).jpeg().toBuffer(),
  'halved chroma, progressive': textured(32, 32, 3).jpeg({ progressive: true }).toBuffer(),
  'whole chroma, progressive': textured(32, 32, 3)
    .jpeg({ ...flat, progressive: true })
    .toBuffer(),
};

for (const channels of [1, 3] as const) {
  for (const background of [0, 200]) {
    const model = `${channels} channels on ${background}`;
    for (const [name, image] of Object.entries(pngs)) {
      test(`PNG, ${name}: equal for ${model}`, async () => {
        const input = modelInput({ height: 28, width: 28, channels }, { background });
        assert.equal(await largestDifference(await image, input), 0);
      });
    }
    for (const [name, image] of Object.entries(jpegs)) {
      test(`JPEG, ${name}: within 3 grey levels for ${model}`, async () => {
        const input = modelInput({ height: 32, width: 32, channels }, { background });
        const difference = await largestDifference(await image, input);
        assert.ok(difference <= 3, `differs by ${difference}`);
      });
    }
  }
}

test('PNG of few greys, one of them transparent: not fast, since it may be written in more bits than there are', async () => {
  const grey = Uint8Array.from({ length: 28 * 28 }, (_, i) => (i % 3 ? 255 : 0));
  const palette = await fromPixels(grey, 28, 28, 1).png({ palette: true, colours: 2 }).toBuffer();
  // One bit of grey instead of one bit of palette; white is transparent, by a value that only eight bits can hold.
  const header = Buffer.alloc(13);
  palette.copy(header, 0, 16, 29);
  header[8] = 1;
  header[9] = 0;
  const data = palette.subarray(palette.indexOf('IDAT', 0, 'latin1') - 4);
  const image = Buffer.concat([
    palette.subarray(0, 8),
    pngChunk('IHDR', header),
    pngChunk('tRNS', Uint8Array.of(0, 255)),
    data,
  ]);
  const input = modelInput({ height: 28, width: 28, channels: 1 }, { background: 90 });
  assert.equal(isFast(image, input), false);
  assert.deepEqual(new Set(await decodeWithSharp(image, headerOf(image), input)), new Set([0, 90]));
});

test('JPEG with halved chroma whose width cuts a block: fast for grey models only', async () => {
  const image = await textured(28, 28, 3).jpeg().toBuffer();
  const difference = await largestDifference(image, modelInput({ height: 28, width: 28, channels: 1 }));
  assert.ok(difference <= 3, `differs by ${difference}`);
  assert.equal(isFast(image, modelInput({ height: 28, width: 28, channels: 3 })), false);
});

type Input = ReturnType<typeof modelInput>;

async function largestDifference(image: Buffer, input: Input): Promise<number> {
  assert.ok(isFast(image, input), 'the fast path does not take this image');
  const fast = decodeFast(image, input);
  const thorough = await decodeWithSharp(image, headerOf(image), input);
  assert.equal(fast?.length, thorough.length);
  return thorough.reduce((worst, value, index) => Math.max(worst, Math.abs(value - (fast?.[index] ?? 0))), 0);
}

function isFast(image: Buffer, input: Input): boolean {
  return suitsFastPath(headerOf(image), image.length, input);
}

function headerOf(image: Buffer): ImageHeader {
  const format = formatOf(image);
  const header = format && readHeader(format, image);
  assert.ok(header, 'the header is not read');
  return header;
}

async function withChunk(type: string, body: number[], before: string): Promise<Buffer> {
  const png = await textured(28, 28, 3).png().toBuffer();
  return insertPngChunks(png, before, pngChunk(type, Uint8Array.from(body)));
}
