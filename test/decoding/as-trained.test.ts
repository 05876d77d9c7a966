// Images as networks were trained on them: what torchvision and Keras make of small ones, and every way through the decoder.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { createDecoder } from '../../src/decoding/decode.js';
import { suitsFastPath } from '../../src/decoding/fast-path.js';
import { readHeader } from '../../src/decoding/read-header.js';
import { geometryOf } from '../../src/decoding/resize/geometry.js';
import { type Resampled, resample } from '../../src/decoding/resize/resample.js';
import { createResampler } from '../../src/decoding/resize/resampler.js';
import type { ModelInput } from '../../src/format/manifest.js';
import { fromPixels, modelInput, texture, textured } from '../support/images/images.js';

interface Made {
  readonly command: string;
  readonly madeWith: string;
  readonly cases: readonly {
    readonly width: number;
    readonly height: number;
    readonly says: Partial<Resampled>;
    readonly pixels: readonly (readonly number[])[];
  }[];
}

const MODEL = { width: 8, height: 7, channels: 1 } as const;
const made = JSON.parse(readFileSync('test/decoding/as-trained/small.json', 'utf8')) as Record<string, Made>;
const decoder = createDecoder({ maxImagePixels: 20_000_000, maxImageMemoryBytes: 2 ** 28 });

/** Not rounded there, or in 32 bits; Keras' bicubic looks its weights up in a table of 1,024. */
const TOLERANCE: Readonly<Record<string, number>> = { torchvision: 0, keras: 0.75 };

for (const [library, { madeWith, cases }] of Object.entries(made)) {
  for (const { width, height, says, pixels } of cases) {
    const { resize, interpolation, antialias = true } = says;
    const name = `${JSON.stringify(resize)} ${interpolation}${antialias ? '' : ', not antialiased'}`;
    test(`${madeWith}: ${width} × ${height}, ${name}`, async () => {
      const image = await fromPixels(drawn(width, height), width, height, 1).png().toBuffer();
      const ours = await decoder.decode(image, 'image/png', inputOf(MODEL, says));
      const theirs = pixels.flat();
      assert.equal(ours.length, theirs.length);
      ours.forEach((value, index) => {
        // Bicubic and Lanczos' kernel go beyond black and white, which 8 bits do not.
        const expected = Math.min(255, Math.max(0, theirs[index] ?? Number.NaN));
        const difference = Math.abs(value - expected);
        assert.ok(difference <= (TOLERANCE[library] ?? 0), `pixel ${index}: ${value}, not ${expected}`);
      });
    });
  }
}

test('an odd pixel too many: torchvision cuts it off behind the even half, Hugging Face and Keras behind the lower', () => {
  const starts = (crop: NonNullable<ModelInput['crop']>) =>
    [224, 225, 226, 227, 228, 229, 231].map((width) => {
      const size = { width, height: 224 };
      return geometryOf(size, inputOf({ width: 224, height: 224, channels: 3 }, { resize: size, crop })).x
        .left;
    });
  assert.deepEqual(starts('centre'), [0, 0, 1, 2, 2, 2, 4]);
  assert.deepEqual(starts('centre-floor'), [0, 0, 1, 1, 2, 2, 3]);
});

test('the background lies around what is smaller than the model, and behind what is transparent', async () => {
  const says = { resize: { shorterSide: 4 }, interpolation: 'bilinear', background: 77 } as const;
  const input = inputOf({ width: 6, height: 6, channels: 1 }, says);
  const white = await fromPixels(new Uint8Array(64).fill(255), 8, 8, 1).png().toBuffer();
  const row = (pixels: Uint8Array, y: number) => [...pixels.subarray(y * 6, y * 6 + 6)];
  const padded = await decoder.decode(white, undefined, input);
  assert.deepEqual(row(padded, 0), [77, 77, 77, 77, 77, 77]);
  assert.deepEqual(row(padded, 1), [77, 255, 255, 255, 255, 77]);
  const clear = await fromPixels(new Uint8Array(8 * 8 * 4), 8, 8, 4)
    .png()
    .toBuffer();
  assert.deepEqual(new Set(await decoder.decode(clear, undefined, input)), new Set([77]));
});

test('the fast way is taken only where an image stays as it is, and gives the same pixels', async () => {
  const size = { width: 28, height: 28, channels: 3 } as const;
  const image = await textured(28, 28, 3).png().toBuffer();
  const header = readHeader('png', image);
  assert.ok(header);
  const kept = inputOf(size, { resize: { shorterSide: 28 }, interpolation: 'bilinear' });
  const enlarged = inputOf(size, { resize: { shorterSide: 32 }, interpolation: 'bilinear' });
  assert.equal(suitsFastPath(header, image.length, kept), true);
  assert.equal(suitsFastPath(header, image.length, enlarged), false);
  assert.deepEqual(await decoder.decode(image, undefined, kept), texture(28, 28, 3));
  const decoded = { pixels: texture(28, 28, 3), width: 28, height: 28 };
  assert.deepEqual(await decoder.decode(image, undefined, enlarged), resample(decoded, enlarged));
});

test('turned by EXIF, then resized; a grey image is the same for a model of colours', async () => {
  const upright = await fromPixels(drawn(40, 31), 40, 31, 1).png().toBuffer();
  const turned = Uint8Array.from(
    { length: 40 * 31 },
    (_, i) => drawn(40, 31)[(i % 31) * 40 + 39 - Math.floor(i / 31)] ?? 0,
  );
  const stored = await fromPixels(turned, 31, 40, 1).withMetadata({ orientation: 6 }).png().toBuffer();
  const says = { resize: { shorterSide: 11 }, interpolation: 'bicubic' } as const;
  const expected = await decoder.decode(upright, undefined, inputOf(MODEL, says));
  assert.deepEqual(await decoder.decode(stored, undefined, inputOf(MODEL, says)), expected);
  const colours = await decoder.decode(upright, undefined, inputOf({ ...MODEL, channels: 3 }, says));
  assert.deepEqual(
    colours.filter((_, index) => index % 3 === 1),
    expected,
  );
});

test('large images are resized on threads, as on the calling one; so are many at a time', async () => {
  const [width, height] = [1500, 1100];
  const input = inputOf(
    { width: 224, height: 224, channels: 3 },
    { resize: { shorterSide: 256 }, interpolation: 'bicubic' },
  );
  const resampler = createResampler({ mostThreads: 2 });
  const expected = resample({ pixels: texture(width, height, 3), width, height }, input);
  const images = Array.from({ length: 5 }, () => ({ pixels: texture(width, height, 3), width, height }));
  for (const pixels of await Promise.all(images.map((image) => resampler.resample(image, input)))) {
    assert.deepEqual(pixels, expected);
  }
  assert.ok(
    images.every(({ pixels }) => pixels.length === 0),
    'the pixels were not handed over',
  );
});

test('a thread that dies takes only its images with it', async () => {
  const file = new URL(
    'data:text/javascript,import { parentPort } from "node:worker_threads"; parentPort.on("message", () => process.exit(3))',
  );
  const resampler = createResampler({ mostThreads: 1, file });
  const [width, height] = [1500, 1100];
  const input = inputOf(
    { width: 224, height: 224, channels: 3 },
    { resize: { shorterSide: 256 }, interpolation: 'bicubic' },
  );
  const image = () => ({ pixels: new Uint8Array(width * height * 3), width, height });
  for (let round = 0; round < 2; round++) {
    const lost = [image(), image()].map((one) => resampler.resample(one, input));
    for (const one of lost) await assert.rejects(one, { message: 'The thread that resized the image died.' });
  }
});

test('images as narrow as can be cost little, whatever the rule', async () => {
  const image = await textured(3, 60_000, 3).png().toBuffer();
  for (const resize of ['fill', 'cover', 'contain', { shorterSide: 256 }] as const) {
    const input = inputOf({ width: 224, height: 224, channels: 3 }, { resize, interpolation: 'bilinear' });
    assert.equal((await decoder.decode(image, undefined, input)).length, 224 * 224 * 3);
  }
});

test('the memory that an image takes counts its pixels, and is refused before one is decoded', async () => {
  const image = await textured(1000, 1000, 3).jpeg().toBuffer();
  const header = readHeader('jpeg', image);
  assert.ok(header);
  const small = createDecoder({ maxImagePixels: 1e7, maxImageMemoryBytes: header.decodingBytes });
  const size = { width: 28, height: 28, channels: 3 } as const;
  assert.equal((await small.decode(image, undefined, modelInput(size))).length, 28 * 28 * 3);
  const input = inputOf(size, { resize: { shorterSide: 32 }, interpolation: 'bilinear' });
  assert.throws(() => small.decode(image, undefined, input), { type: 'image-too-large' });
});

function inputOf(size: Parameters<typeof modelInput>[0], says: Partial<Resampled>): Resampled {
  return { ...modelInput(size), interpolation: 'bilinear', ...says };
}

/** uint8 [height, width]: the same as `image_of` in small.py. */
function drawn(width: number, height: number): Uint8Array {
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const x = i % width;
    const y = Math.floor(i / width);
    return (x * x * 7 + y * 13 + x * y * 5 + ((x * 31 + y * 17) % 11) * 9) % 256;
  });
}
