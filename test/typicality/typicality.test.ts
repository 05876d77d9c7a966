import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ModelInput } from '../../src/format/manifest.js';
import { checkTypicality, type TypicalityDocument } from '../../src/format/typicality.js';
import { createUniform, shuffledIndices } from '../../src/foundation/random.js';
import { distanceTo } from '../../src/typicality/distance.js';
import { fitTypicality } from '../../src/typicality/fit.js';
import { createImageStatistics } from '../../src/typicality/image-statistics.js';
import { createTypicality } from '../../src/typicality/typicality.js';

const SIDE = 8;
const input: ModelInput = {
  ...{ tensor: 'image', height: SIDE, width: SIDE, channels: 1, mean: [0], std: [1] },
  ...{ resize: 'fill', background: 0 },
};
const statisticsOf = createImageStatistics(input);

/** Textures of varying brightness and contrast. */
function drawImages(count: number, uniform: () => number): Uint8Array[] {
  return Array.from({ length: count }, () => {
    const [level, contrast, slope] = [60 + 120 * uniform(), 20 + 80 * uniform(), 12 * uniform()];
    return Uint8Array.from({ length: SIDE * SIDE }, (_, place) => {
      const value = level + slope * (place % SIDE) + contrast * (uniform() - 0.5);
      return Math.max(0, Math.min(255, Math.round(value)));
    });
  });
}

function fit(images: readonly Uint8Array[], seed: number): TypicalityDocument {
  const statistics = images.map((image) => statisticsOf(image).slice());
  return fitTypicality({ input, statistics, seed, dataSha256: '0'.repeat(64), date: new Date(0) });
}

test('a p-value is the rank among the reference images: exact up to rank 100, and never too small', () => {
  const [seed, uniform] = [3, createUniform(1)];
  const images = drawImages(1200, uniform);
  const document = fit(images, seed);
  checkTypicality('calibration.json', document, input);
  const distanceOf = distanceTo(document);
  const reference = Array.from(shuffledIndices(images.length, createUniform(seed)))
    .slice(600)
    .map((index) => distanceOf(statisticsOf(images[index] as Uint8Array)));
  assert.equal(document.images.reference, reference.length);
  const { measure } = createTypicality(document, input);
  // Images like these, and some that become more and more unusual.
  const odd = images.map((image, index) => image.map((value) => Math.min(255, value + index / 4)));
  const seen = new Set<number>();
  for (const image of [...drawImages(500, uniform), ...odd]) {
    const distance = distanceOf(statisticsOf(image));
    const exact = reference.filter((other) => other >= distance).length;
    const { pValue, typical } = measure(image);
    const rank = Math.round(pValue * (1 + reference.length)) - 1;
    seen.add(rank);
    assert.ok(rank >= exact && rank - exact <= Math.ceil(reference.length / 50), `${rank}, not ${exact}`);
    if (exact < 100) assert.equal(rank, exact);
    assert.equal(typical, pValue > 0.01);
  }
  assert.ok(seen.has(0) && seen.size > 100);
});

test('of images like the calibration images, at most α have a p-value of at most α', () => {
  const uniform = createUniform(20);
  const [fits, images, draws] = [60, 600, 400];
  const pValues = Array.from({ length: fits }, (_, seed) => {
    const { measure } = createTypicality(fit(drawImages(images, uniform), seed), input);
    return drawImages(draws, uniform).map((image) => measure(image).pValue);
  }).flat();
  const ranks = images / 2 + 1;
  for (const alpha of [0.01, 0.05, 0.2]) {
    const share = pValues.filter((pValue) => pValue <= alpha).length / pValues.length;
    // The draws vary, and so does the share that a calibration flags: its distribution is a beta distribution.
    const deviation = Math.sqrt((alpha * (1 - alpha) * (1 / draws + 1 / ranks)) / fits);
    // What split conformal prediction promises where no two images are equally far.
    const promised = Math.floor(alpha * ranks) / ranks;
    assert.ok(share <= alpha + 3 * deviation, `${share} have at most ${alpha}`);
    assert.ok(Math.abs(share - promised) <= 3 * deviation, `${share} have at most ${alpha}, not ${promised}`);
  }
});

test('plain images are not typical', () => {
  const { measure } = createTypicality(fit(drawImages(800, createUniform(4)), 1), input);
  for (const [name, image] of Object.entries({
    black: new Uint8Array(SIDE * SIDE),
    white: new Uint8Array(SIDE * SIDE).fill(255),
    grey: new Uint8Array(SIDE * SIDE).fill(128),
  })) {
    assert.equal(measure(image).typical, false, name);
  }
});

test('values that are not finite are as unusual as can be', () => {
  const { measure, referenceImages } = createTypicality(fit(drawImages(400, createUniform(5)), 1), input);
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const values = new Float32Array(SIDE * SIDE).fill(value);
    assert.deepEqual(measure(values), { pValue: 1 / (1 + referenceImages), typical: false });
  }
});

test('calibration images that are all alike give finite numbers, and are typical', () => {
  const image = new Uint8Array(SIDE * SIDE).fill(40);
  const document = fit(Array<Uint8Array>(400).fill(image), 1);
  assert.ok(document.whitening.flat().every(Number.isFinite));
  const { measure } = createTypicality(document, input);
  assert.deepEqual(measure(image), { pValue: 1, typical: true });
  assert.equal(measure(image.map((value) => value + 60)).typical, false);
});
