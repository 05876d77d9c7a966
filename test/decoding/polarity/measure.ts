// What rules for the polarity of a drawing do to the images of a data set, and to their inverted copies:
// node dist/test/decoding/polarity/measure.js <manifest.json> <IDX images> [<folder for an inverted data set>]
// A rule is right if it leaves an image as it is, also brightened by an attack or cropped to its ink, and inverts its copy.
// Exit code 1: the rule of the server errs on an image, on its copy or under the attack. See docs/images.md.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import process from 'node:process';
import { gunzipSync } from 'node:zlib';
import { openDataSet } from '../../../src/datasets/open-data-set.js';
import { createDecoder } from '../../../src/decoding/decode.js';
import { correctPolarity } from '../../../src/decoding/polarity.js';
import { readManifest } from '../../../src/format/documents.js';
import { formatTable } from '../../../src/report/table.js';

/** Header of an IDX file with three dimensions. */
const IMAGES_HEADER = 16;
/** The largest change of a pixel by the attacks that the shipped digit model was trained against: 0.3 of 255. */
const ATTACK_LEVELS = Math.ceil(0.3 * 255);
const BRIGHT = 128;

const [, , manifestFile = '', images = '', output] = process.argv;
const { polarity: _, ...input } = readManifest(await readFile(manifestFile)).input;
const { height, width } = input;

/** Whether a rule inverts an image, uint8 [height, width]. */
type Rule = (pixels: Uint8Array) => boolean;

const mean = (values: Uint8Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const median = (values: Uint8Array): number =>
  values.slice().sort()[Math.floor((values.length - 1) / 2)] ?? 0;

function border(pixels: Uint8Array): Uint8Array {
  return pixels.filter((_, place) => {
    const [x, y] = [place % width, Math.floor(place / width)];
    return x === 0 || y === 0 || x === width - 1 || y === height - 1;
  });
}

function corners(pixels: Uint8Array): Uint8Array {
  const places = [0, width - 1, pixels.length - width, pixels.length - 1];
  return Uint8Array.from(places, (place) => pixels[place] ?? 0);
}

const rules: Readonly<Record<string, Rule>> = {
  'most of the border': (pixels) => correctPolarity(pixels.slice(), { ...input, polarity: 'auto' }),
  'mean of the border': (pixels) => mean(border(pixels)) >= BRIGHT,
  'mean of the corners': (pixels) => mean(corners(pixels)) >= BRIGHT,
  'median of all pixels': (pixels) => median(pixels) >= BRIGHT,
  'mean of all pixels': (pixels) => mean(pixels) >= BRIGHT,
};

/** The ink, stretched over the whole image: no margin is left. */
function withoutMargin(pixels: Uint8Array): Uint8Array {
  const places = [...pixels.keys()].filter((place) => (pixels[place] ?? 0) >= BRIGHT);
  const [xs, ys] = [places.map((place) => place % width), places.map((place) => Math.floor(place / width))];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const [across, down] = [Math.max(...xs) - left + 1, Math.max(...ys) - top + 1];
  return pixels.map((_, place) => {
    const x = left + Math.floor(((place % width) / width) * across);
    return pixels[(top + Math.floor((Math.floor(place / width) / height) * down)) * width + x] ?? 0;
  });
}

interface Tally {
  inverted: number;
  attacked: number;
  cropped: number;
  missed: number;
}

/** Counts the images, by rule. @returns also the largest part of a border that is not 0 */
async function measure() {
  const decoder = createDecoder({ maxImagePixels: 2 ** 20, maxImageMemoryBytes: 2 ** 28 });
  const { samples } = await openDataSet(images, undefined, { labelled: false });
  const tallies = new Map<string, Tally>(
    Object.keys(rules).map((name) => [name, { inverted: 0, attacked: 0, cropped: 0, missed: 0 }]),
  );
  let inkOnBorder = 0;
  for (const sample of samples) {
    const pixels = await decoder.decode(await sample.read(), sample.mediaType, input);
    const copy = pixels.map((value) => 255 - value);
    const attacked = pixels.map((value) => Math.min(255, value + ATTACK_LEVELS));
    const cropped = withoutMargin(pixels);
    for (const [name, rule] of Object.entries(rules)) {
      const tally = tallies.get(name);
      if (!tally) continue;
      if (rule(pixels)) tally.inverted++;
      if (rule(attacked)) tally.attacked++;
      if (rule(cropped)) tally.cropped++;
      if (!rule(copy)) tally.missed++;
    }
    const edge = border(pixels);
    inkOnBorder = Math.max(inkOnBorder, edge.filter((value) => value > 0).length / edge.length);
  }
  return { count: samples.length, tallies, inkOnBorder };
}

async function writeInverted(folder: string): Promise<void> {
  const bytes = await readFile(images);
  const raw = bytes[0] === 0x1f ? gunzipSync(bytes) : bytes;
  const turned = raw.map((value, place) => (place < IMAGES_HEADER ? value : 255 - value));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, basename(images).replace(/\.gz$/, '')), turned);
}

const { count, tallies, inkOnBorder } = await measure();
process.stdout.write(
  `${count} images; of no border more than ${(100 * inkOnBorder).toFixed(1)} % is not 0\n${formatTable(
    ['bright:', 'inverted', `after +${ATTACK_LEVELS}`, 'without margin', 'inverted copies missed'],
    [...tallies].map(([name, { inverted, attacked, cropped, missed }]) => [
      ...[name, inverted, attacked, cropped, missed],
    ]),
  )}`,
);
if (output !== undefined) await writeInverted(output);
const ours = tallies.get('most of the border');
if (!ours || ours.inverted + ours.attacked + ours.missed > 0) process.exitCode = 1;
