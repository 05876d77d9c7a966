// What rules for the polarity of a drawing would do to the images of a data set, and to their inverted copies:
// node dist/test/decoding/polarity/measure.js <manifest.json> <IDX images> [<folder for an inverted data set>]
// A rule is right if it leaves an image as it is, also brightened by an attack or cropped to its ink, and inverts its copy. See docs/images.md.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import process from 'node:process';
import { gunzipSync } from 'node:zlib';
import { openDataSet } from '../../../src/datasets/open-data-set.js';
import { createDecoder } from '../../../src/decoding/decode.js';
import { readManifest } from '../../../src/format/documents.js';
import type { ModelInput } from '../../../src/format/manifest.js';
import { formatTable } from '../../../src/report/table.js';

/** Header of an IDX file with three dimensions. */
const IMAGES_HEADER = 16;
/** The largest change of a pixel by the attacks that the shipped digit model was trained against: 0.3 of 255. */
const ATTACK_LEVELS = Math.ceil(0.3 * 255);

const mean = (values: Uint8Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const median = (values: Uint8Array): number => values.slice().sort()[Math.floor(values.length / 2)] ?? 0;

/** A number that the rule compares with the middle of the grey levels. */
const rules: Readonly<Record<string, (pixels: Uint8Array, border: Uint8Array) => number>> = {
  'median of the border': (_, border) => median(border),
  'mean of the border': (_, border) => mean(border),
  'mean of the corners': (pixels, border) => mean(cornersOf(pixels, border)),
  'median of all pixels': (pixels) => median(pixels),
  'mean of all pixels': (pixels) => mean(pixels),
};

function borderOf(pixels: Uint8Array, { height, width }: ModelInput): Uint8Array {
  return pixels.filter((_, index) => {
    const [x, y] = [index % width, Math.floor(index / width)];
    return x === 0 || y === 0 || x === width - 1 || y === height - 1;
  });
}

/** Of a square image. */
function cornersOf(pixels: Uint8Array, border: Uint8Array): Uint8Array {
  const side = border.length / 4 + 1;
  return Uint8Array.of(
    ...[0, side - 1, pixels.length - side, pixels.length - 1].map((place) => pixels[place] ?? 0),
  );
}

/** The ink, stretched over the whole image: no margin is left. */
function withoutMargin(pixels: Uint8Array, { height, width }: ModelInput): Uint8Array {
  const places = [...pixels.keys()].filter((place) => (pixels[place] ?? 0) >= 128);
  const [xs, ys] = [places.map((place) => place % width), places.map((place) => Math.floor(place / width))];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const [across, down] = [Math.max(...xs) - left + 1, Math.max(...ys) - top + 1];
  return pixels.map((_, place) => {
    const x = left + Math.floor(((place % width) / width) * across);
    return pixels[(top + Math.floor((Math.floor(place / width) / height) * down)) * width + x] ?? 0;
  });
}

const [, , manifestFile = '', images = '', output] = process.argv;
const { input } = readManifest(await readFile(manifestFile));
const decoder = createDecoder({ maxImagePixels: 2 ** 20, maxImageMemoryBytes: 2 ** 28 });
const { samples } = await openDataSet(images, undefined, { labelled: false });
const tally = new Map(
  Object.keys(rules).map((name) => [name, { inverts: 0, misses: 0, largest: 0, attacked: 0, cropped: 0 }]),
);
for (const sample of samples) {
  const pixels = await decoder.decode(await sample.read(), sample.mediaType, input);
  const border = borderOf(pixels, input);
  const [inverted, invertedBorder, attacked, attackedBorder] = [
    ...[pixels, border].map((values) => values.map((value) => 255 - value)),
    ...[pixels, border].map((values) => values.map((value) => Math.min(255, value + ATTACK_LEVELS))),
  ] as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const cropped = withoutMargin(pixels, input);
  const croppedBorder = borderOf(cropped, input);
  for (const [name, rule] of Object.entries(rules)) {
    const one = tally.get(name);
    if (!one) continue;
    const value = rule(pixels, border);
    if (value >= 128) one.inverts++;
    if (rule(inverted, invertedBorder) < 128) one.misses++;
    if (rule(attacked, attackedBorder) >= 128) one.attacked++;
    if (rule(cropped, croppedBorder) >= 128) one.cropped++;
    one.largest = Math.max(one.largest, value);
  }
}
process.stdout.write(
  `${samples.length} images; a rule inverts from 128\n${formatTable(
    ['rule:', 'largest', 'inverted', `after +${ATTACK_LEVELS}`, 'without margin', 'inverted copies missed'],
    [...tally].map(([name, { inverts, misses, largest, attacked, cropped }]) => [
      ...[name, largest.toFixed(1), inverts, attacked, cropped, misses],
    ]),
  )}`,
);
if (output !== undefined) {
  const bytes = await readFile(images);
  const raw = bytes[0] === 0x1f ? gunzipSync(bytes) : bytes;
  const turned = raw.map((value, place) => (place < IMAGES_HEADER ? value : 255 - value));
  await mkdir(output, { recursive: true });
  await writeFile(join(output, basename(images).replace(/\.gz$/, '')), turned);
}
