// Holds the decoder to what torchvision and Keras make of the same photographs; fails where the mean difference of any
// pipeline is above LARGEST_MEAN grey levels. See run.sh.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createDecoder } from '../../../src/decoding/decode.js';
import type { ModelInput } from '../../../src/format/manifest.js';
import { readPreprocessing } from '../../../src/packages/importing/preprocessing-file.js';
import { modelInput } from '../../support/images/images.js';

const SIZE = { height: 224, width: 224, channels: 3 } as const;
const LARGEST_MEAN = 0.3;
/** TensorFlow's own JPEG decoder is coarser than libjpeg's usual one, see docs/images.md. */
const LARGEST_MEAN_OF_JPEG: Readonly<Record<string, number>> = { 'Keras: image_dataset_from_directory': 1.2 };

interface Expected {
  readonly photo: string;
  readonly pipeline: string;
  /** The same as the pipeline, or a file that a library writes about it. */
  readonly says: Partial<ModelInput> & { readonly config?: unknown };
  /** File of float32 [height, width, 3]. */
  readonly pixels: string;
}

interface Difference {
  readonly format: string;
  readonly mean: number;
  readonly most: number;
}

const [folder = ''] = process.argv.slice(2);
const decoder = createDecoder({ maxImagePixels: 2 ** 24, maxImageMemoryBytes: 2 ** 28 });
const expected: Expected[] = [];
for (const name of ['torchvision', 'keras', 'config']) {
  expected.push(...JSON.parse(await readFile(join(folder, `expected-${name}.json`), 'utf8')));
}

const found = new Map<string, Difference[]>();
for (const { photo, pipeline, says, pixels } of expected) {
  const image = await readFile(join(folder, photo));
  const ours = await decoder.decode(image, undefined, { ...modelInput(SIZE), ...inputOf(says) });
  const theirs = await readFloats(join(folder, pixels));
  const format = photo.split('.').at(-1) ?? '';
  found.set(pipeline, [...(found.get(pipeline) ?? []), { format, ...difference(ours, theirs) }]);
}
console.log(
  `${new Set(expected.map(({ photo }) => photo)).size} photographs, ${expected.length} comparisons`,
);
for (const [pipeline, differences] of found) report(pipeline, differences);

function inputOf({ config, ...says }: Expected['says']): Partial<ModelInput> {
  if (config === undefined) return says;
  return readPreprocessing({ file: 'config.json', text: JSON.stringify(config) }, SIZE);
}

async function readFloats(path: string): Promise<Float32Array> {
  const bytes = await readFile(path);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

function difference(ours: Uint8Array, theirs: Float32Array): Omit<Difference, 'format'> {
  if (ours.length !== theirs.length) throw new Error(`${ours.length} values instead of ${theirs.length}`);
  const each = Float32Array.from(ours, (value, index) => Math.abs(value - (theirs[index] ?? 0)));
  return {
    mean: each.reduce((sum, value) => sum + value, 0) / each.length,
    most: each.reduce((most, value) => Math.max(most, value), 0),
  };
}

/** A line of a table: the mean over the photographs of each format, the worst photograph, the worst value. */
function report(pipeline: string, differences: readonly Difference[]): void {
  const formats = ['png', 'jpg', 'webp'].flatMap((format) => {
    const means = differences.filter((one) => one.format === format).map(({ mean }) => mean);
    return means.length === 0
      ? []
      : [{ format, mean: means.reduce((sum, one) => sum + one, 0) / means.length }];
  });
  const worst = Math.max(...differences.map(({ mean }) => mean));
  const most = Math.max(...differences.map((one) => one.most));
  const means = formats.map(({ format, mean }) => `${format} ${mean.toFixed(3)}`).join(', ');
  console.log(`| ${pipeline} | ${means} | ${worst.toFixed(3)} | ${most.toFixed(1)} |`);
  for (const { format, mean } of formats) {
    const limit = (format === 'jpg' ? LARGEST_MEAN_OF_JPEG[pipeline] : undefined) ?? LARGEST_MEAN;
    if (mean <= limit) continue;
    console.log(`  above ${limit} grey levels for ${format}`);
    process.exitCode = 1;
  }
}
