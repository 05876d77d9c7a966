// Sets of images that a model was not made for: its own images changed, those of another data set, drawings, noise and
// plain areas. All are PNG files, or files of the data sets, and go through the decoder as those of requests do.
import sharp from 'sharp';
import type { Sample } from '../../src/datasets/data-set.js';
import { decodeSample } from '../../src/datasets/decode-sample.js';
import type { Decoder } from '../../src/decoding/decode.js';
import type { ModelInput } from '../../src/format/manifest.js';
import { createUniform } from '../../src/foundation/random.js';

const SEED = 7;
const GREY_LEVELS = 256;

export interface OddSet {
  readonly name: string;
  readonly samples: readonly Sample[];
}

interface Given {
  readonly input: ModelInput;
  readonly decoder: Decoder;
  /** Test images of the model's own kind, which are changed. */
  readonly own: readonly Sample[];
  /** Images of another kind. */
  readonly others: OddSet;
  readonly letters: readonly Buffer[];
}

/** A new value for each value, from its row, column and channel. */
type Change = (pixels: Uint8Array, y: number, x: number, channel: number) => number;

export async function oddSets({ input, decoder, own, others, letters }: Given): Promise<OddSet[]> {
  const { height, width, channels } = input;
  const uniform = createUniform(SEED);
  const pixels: Uint8Array[] = [];
  for (const sample of own) pixels.push(await decodeSample(decoder, sample, input));
  const at = (image: Uint8Array, y: number, x: number, channel: number): number =>
    image[(y * width + x) * channels + channel] ?? 0;

  async function changed(name: string, change: Change, images = pixels): Promise<OddSet> {
    const samples = await Promise.all(
      images.map(async (image, index) => {
        const values = Uint8Array.from({ length: height * width * channels }, (_, place) => {
          const pixel = Math.floor(place / channels);
          return clamp(change(image, Math.floor(pixel / width), pixel % width, place % channels));
        });
        return sampleOf(`${name} ${index}`, await encode(values, input));
      }),
    );
    return { name, samples };
  }
  const empty = (count: number): Uint8Array[] =>
    Array.from({ length: count }, (_, index) => Uint8Array.of(index));

  const sets = [
    await changed('inverted', (image, y, x, c) => 255 - at(image, y, x, c)),
    await changed('turned by 90°', (image, y, x, c) => at(image, x, width - 1 - y, c)),
    await changed('upside down', (image, y, x, c) => at(image, height - 1 - y, width - 1 - x, c)),
    await changed('at 40 % of the brightness', (image, y, x, c) => 0.4 * at(image, y, x, c)),
    await changed('with noise, σ 40', (image, y, x, c) => at(image, y, x, c) + 40 * normal(uniform)),
    others,
    { name: 'letters, drawn', samples: letters.map((bytes, index) => sampleOf(`letter ${index}`, bytes)) },
    await changed('uniform noise', () => GREY_LEVELS * uniform(), empty(own.length)),
    await changed('normal noise, σ 50', () => 128 + 50 * normal(uniform), empty(own.length)),
    await changed('one grey level', ([level = 0]) => level, empty(GREY_LEVELS)),
  ];
  if (channels === 1) return sets;
  const colours = empty(GREY_LEVELS).map(() => Uint8Array.from({ length: 3 }, () => GREY_LEVELS * uniform()));
  return [
    ...sets,
    await changed('one colour', (colour, _y, _x, c) => colour[c] ?? 0, colours),
    await changed(
      'without colour',
      (image, y, x) => (at(image, y, x, 0) + at(image, y, x, 1) + at(image, y, x, 2)) / 3,
    ),
    await changed('red and blue exchanged', (image, y, x, c) => at(image, y, x, 2 - c)),
  ];
}

function sampleOf(name: string, bytes: Uint8Array): Sample {
  return { name, label: '', mediaType: 'image/png', read: async () => bytes };
}

function encode(values: Uint8Array, { height, width, channels }: ModelInput): Promise<Buffer> {
  const image = sharp(values, { raw: { width, height, channels } });
  return (channels === 1 ? image.toColourspace('b-w') : image).png({ compressionLevel: 1 }).toBuffer();
}

function clamp(value: number): number {
  return Math.max(0, Math.min(255, Math.round(value)));
}

/** Box and Muller's method. */
function normal(uniform: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}
