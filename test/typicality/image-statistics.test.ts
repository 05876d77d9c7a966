import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createImageTensor } from '../../src/cascade/image-tensor.js';
import type { ModelInput } from '../../src/format/manifest.js';
import { createUniform } from '../../src/foundation/random.js';
import { createImageStatistics } from '../../src/typicality/image-statistics.js';

const plain: ModelInput = {
  ...{ tensor: 'image', height: 9, width: 7, channels: 3, mean: [0, 0, 0], std: [1, 1, 1] },
  ...{ resize: 'fill', background: 0 },
};
const inputs: Readonly<Record<string, ModelInput>> = {
  colour: plain,
  grey: { ...plain, channels: 1, mean: [0], std: [1] },
  'a column': { ...plain, width: 1 },
  'a pixel': { ...plain, width: 1, height: 1 },
};

function randomPixels({ height, width, channels }: ModelInput, seed: number): Uint8Array {
  const uniform = createUniform(seed);
  // Some values are at the ends, so that black and white occur.
  return Uint8Array.from({ length: height * width * channels }, () =>
    Math.max(0, Math.min(255, Math.round(-60 + 380 * uniform()))),
  );
}

/** The definitions, written down without regard to speed. */
function expected(pixels: Uint8Array, { height, width, channels }: ModelInput): number[] {
  const values = Array.from({ length: height * width }, (_, pixel) =>
    Array.from(pixels.subarray(pixel * channels, (pixel + 1) * channels), (value) => value / 255),
  );
  const mean = (list: readonly number[]): number =>
    list.length === 0 ? 0 : list.reduce((sum, value) => sum + value, 0) / list.length;
  const rms = (list: readonly number[]): number => Math.sqrt(mean(list.map((value) => value * value)));
  const brightness = values.map(mean);
  const average = mean(brightness);
  const contrast = rms(brightness.map((value) => value - average)) + 1 / 255;
  const across = brightness.flatMap((value, pixel) =>
    pixel % width === 0 ? [] : [value - (brightness[pixel - 1] ?? 0)],
  );
  const down = brightness.flatMap((value, pixel) =>
    pixel < width ? [] : [value - (brightness[pixel - width] ?? 0)],
  );
  const grey = [
    average,
    Math.log(contrast),
    Math.log((rms(across) + 1 / 255) / contrast),
    Math.log((rms(down) + 1 / 255) / contrast),
    Math.log(mean(brightness.map((value) => (value < 4.5 / 255 ? 1 : 0))) + 0.01),
    Math.log(mean(brightness.map((value) => (value > 250.5 / 255 ? 1 : 0))) + 0.01),
  ];
  if (channels === 1) return grey;
  const fromGrey = values.flatMap((pixel, at) => pixel.map((value) => value - (brightness[at] ?? 0)));
  const means = [0, 1, 2].map((channel) => mean(values.map((pixel) => pixel[channel] ?? 0)) - average);
  return [...grey, Math.log(rms(fromGrey) + 1 / 255), Math.log(rms(means) + 1 / 255)];
}

function assertNear(actual: Float64Array, wanted: ArrayLike<number>, tolerance: number): void {
  assert.equal(actual.length, wanted.length);
  Array.from(wanted).forEach((value, place) => {
    const got = actual[place] as number;
    assert.ok(Math.abs(got - value) <= tolerance, `statistic ${place} is ${got}, not ${value}`);
  });
}

for (const [name, input] of Object.entries(inputs)) {
  test(`statistics are those of their definitions: ${name}`, () => {
    const statisticsOf = createImageStatistics(input);
    for (let seed = 0; seed < 20; seed++) {
      const pixels = randomPixels(input, seed);
      assertNear(statisticsOf(pixels), expected(pixels, input), 1e-9);
    }
  });
}

test('of a tall image, 64 rows or fewer are read, each with the next one', () => {
  const input: ModelInput = { ...plain, height: 150, channels: 1, mean: [0], std: [1] };
  const pixels = randomPixels(input, 3);
  const statistics = createImageStatistics(input)(pixels).slice();
  // Every third row is read, and the one below it: to change the others changes nothing.
  const changed = pixels.map((value, place) => (Math.floor(place / input.width) % 3 === 2 ? 0 : value));
  assert.deepEqual(createImageStatistics(input)(changed), statistics);
  const read = Array.from({ length: 50 }, (_, row) =>
    Array.from(pixels.subarray(3 * row * input.width, (3 * row + 1) * input.width)),
  ).flat();
  assert.ok(
    Math.abs((statistics[0] ?? 0) - read.reduce((sum, value) => sum + value / 255, 0) / read.length) < 1e-12,
  );
});

const prepared: Readonly<Record<string, Partial<ModelInput>>> = {
  'channels first': {},
  'channels last': { layout: 'nhwc' },
  'blue first, −1 to 1, normalised': {
    ...{ channelOrder: 'bgr', range: [-1, 1], mean: [0.2, -0.1, 0.3], std: [0.5, 0.7, 1.1] },
  },
};
for (const [name, changes] of Object.entries(prepared)) {
  test(`the graph’s own values have the statistics of their pixels: ${name}`, () => {
    const input: ModelInput = { ...plain, ...changes };
    const toGraph = createImageTensor(input, 'nchw');
    const statisticsOf = createImageStatistics(input);
    for (let seed = 0; seed < 20; seed++) {
      const pixels = randomPixels(input, seed);
      const ofPixels = statisticsOf(pixels).slice();
      assertNear(statisticsOf(toGraph(pixels)), ofPixels, 1e-4);
    }
  });
}
