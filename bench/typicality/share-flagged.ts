// The share of images that typicality flags, of each of a dozen odd sets and of test images, for every served model; beside
// it, what the network's own confidence would flag if it flagged 1 % of test images too.
// Usage: node dist/bench/typicality/share-flagged.js <digits> <photos> [images of each set] [models folder]
// <digits>, <photos>: test images like MNIST's and CIFAR-10's, each an IDX file, a folder or a zip
import process from 'node:process';
import { recordScores } from '../../src/calibration/scores/record.js';
import type { Recording } from '../../src/calibration/scores/recording.js';
import { createConfig } from '../../src/config/config.js';
import type { Sample } from '../../src/datasets/data-set.js';
import { decodeSample } from '../../src/datasets/decode-sample.js';
import { openDataSet, takeEvenly } from '../../src/datasets/open-data-set.js';
import { createDecoder, type Decoder } from '../../src/decoding/decode.js';
import { createEngine } from '../../src/engines/onnx.js';
import { positiveInteger } from '../../src/foundation/numbers.js';
import { quantile } from '../../src/foundation/quantile.js';
import { createUniform } from '../../src/foundation/random.js';
import type { ModelPackage } from '../../src/packages/package.js';
import { findPackages } from '../../src/packages/repository.js';
import { softmax } from '../../src/policies/probabilities.js';
import { formatTable, percent } from '../../src/report/table.js';
import { createTypicality } from '../../src/typicality/typicality.js';
import { drawLetters } from './letters.js';
import { type OddSet, oddSets } from './odd-sets.js';

const [digitsPath = '', photosPath = '', countText = '500', models = 'models'] = process.argv.slice(2);
const count = positiveInteger(countText);
const LEVEL = 0.01;
const LETTERS_SEED = 3;

/** Of one exit: higher is more unusual. */
const confidences: Readonly<Record<string, (logits: Float32Array) => number>> = {
  'largest probability': (logits) => -Math.max(...softmax(logits)),
  'free energy': (logits) => -Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0)),
};

// Drawn first: a decoder closes sharp's SVG loader for the whole process.
const letters = await drawLetters(count, createUniform(LETTERS_SEED));
const decoder = createDecoder(createConfig());
const engine = createEngine();
const digits = await openDataSet(digitsPath, undefined, { labelled: false });
const photos = await openDataSet(photosPath, undefined, { labelled: false });
for (const model of (await findPackages(models)).packages) {
  if (!model.typicality) continue;
  process.stdout.write(`${model.manifest.name}\n\n${await tableOf(model)}\n`);
}
digits.close();
photos.close();

async function tableOf(model: ModelPackage): Promise<string> {
  const { input, exits } = model.manifest;
  const [own, others] = input.channels === 1 ? [digits, photos] : [photos, digits];
  const test = takeEvenly(own.samples, own.samples.length);
  const sets: OddSet[] = [
    { name: 'test images', samples: test },
    ...(await oddSets({
      ...{ input, decoder, letters, own: takeEvenly(own.samples, count) },
      others: {
        name: input.channels === 1 ? 'photos' : 'digits',
        samples: takeEvenly(others.samples, count),
      },
    })),
  ];
  const columns = [0, exits.length - 1].flatMap((exit) =>
    Object.entries(confidences).map(([name, of]) => ({ name: `${name}, exit ${exit}`, exit, of })),
  );
  const reference = await record(model, takeEvenly(own.samples, 4 * count));
  const limits = columns.map(({ exit, of }) => quantile(scoresOf(reference, exit, of), 1 - LEVEL));
  const rows: string[][] = [];
  for (const { name, samples } of sets) {
    const scores = name === 'test images' ? reference : await record(model, samples);
    const flagged = columns.map(({ exit, of }, index) => {
      const own = scoresOf(scores, exit, of);
      return own.filter((score) => score > (limits[index] ?? 0)).length / own.length;
    });
    const shares = [await shareAtypical(model, samples, decoder), ...flagged];
    rows.push([name, ...shares.map((share) => percent(share, 1))]);
  }
  return formatTable(['images:', 'typicality', ...columns.map(({ name }) => name)], rows);
}

function record(model: ModelPackage, samples: readonly Sample[]): Promise<Recording> {
  return recordScores({ model, engine, decoder, samples, dataSha256: '', onProgress() {} });
}

function scoresOf(
  { logits, images, exits, classes }: Recording,
  exit: number,
  of: (logits: Float32Array) => number,
): number[] {
  return Array.from({ length: images }, (_, image) => {
    const start = (image * exits + exit) * classes;
    return of(logits.subarray(start, start + classes));
  });
}

async function shareAtypical(
  { typicality, manifest: { input } }: ModelPackage,
  samples: readonly Sample[],
  decoder: Decoder,
): Promise<number> {
  if (!typicality) return Number.NaN;
  const measure = createTypicality(typicality, input).measure;
  let flagged = 0;
  for (const sample of samples) {
    if (!measure(await decodeSample(decoder, sample, input)).typical) flagged++;
  }
  return flagged / samples.length;
}
