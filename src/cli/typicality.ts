// `rdi-serve typicality`: measures what the images look like that a model is for, so that answers tell of others.
import process from 'node:process';
import { Command } from 'commander';
import { measureTypicality } from '../calibration/measure-typicality.js';
import { createConfig } from '../config/config.js';
import { openDataSet } from '../datasets/open-data-set.js';
import { createDecoder } from '../decoding/decode.js';
import { parseModelName } from '../evaluation/subject.js';
import type { TypicalityDocument } from '../format/typicality.js';
import { UsageError } from '../foundation/errors.js';
import { integer } from '../foundation/numbers.js';
import { labelOf } from '../network/network.js';
import type { ModelPackage } from '../packages/package.js';
import { findPackage } from '../packages/repository.js';
import { saveTypicality } from '../packages/save-profile.js';
import { FEWEST_IMAGES } from '../typicality/fit.js';
import type { ScoresOptions } from './calibrate-scores.js';
import { createProgress } from './progress/create-progress.js';

const details = `
Half of the images give the mean and the covariance of a few statistics: brightness, contrast,
edges, black, white, colour. The other half are the reference: an answer says how unusual an image is
among them, as a p-value, and whether it is typical. \`calibrate\` and \`add-exits\` measure this too; this
command leaves profiles and certificates as they are. It needs no classes and runs no network.
docs/typicality.md says what such a p-value means, and which images it misses.

Example:
  rdi-serve typicality mnist-smallcnn --data held-out/
`;

interface Options {
  readonly data: string;
  readonly models: string;
  readonly seed: number;
}

export function typicalityCommand(): Command {
  return new Command('typicality')
    .summary('images → what typical images look like, for answers that tell of others')
    .description('Measures what typical images of a model look like, and writes it into the package.')
    .argument('<model>', 'name or name/version; default: the newest version')
    .requiredOption('--data <path>', 'images like future traffic, not trained on: IDX file, folder or zip')
    .option('--models <folder>', 'the models folder', 'models')
    .option('--seed <n>', 'seed of the split', integer, 1)
    .addHelpText('after', details)
    .action(run);
}

async function run(named: string, { data, models, seed }: Options): Promise<void> {
  const { name, version } = parseModelName(named);
  const model = await findPackage(models, name, version);
  const measured = await measureDataSet(model, { data, labels: false }, seed);
  if (!measured) {
    throw new UsageError(
      `"${data}" has too few images to say what typical ones look like: give at least ${FEWEST_IMAGES}.`,
    );
  }
  await saveTypicality(model, measured);
  const { fit, reference } = measured.images;
  process.stdout.write(
    `${labelOf(model.manifest)}: ${fit} images say what is typical, new images are ranked among ${reference} others; ` +
      `of images like them, at most ${100 * measured.level} % are called not typical.\n`,
  );
}

/** @returns what its images look like; undefined without data, or if there are fewer than `FEWEST_IMAGES` */
export async function measureDataSet(
  { manifest: { input } }: Pick<ModelPackage, 'manifest'>,
  { data, labels }: Pick<ScoresOptions, 'data' | 'labels'>,
  seed: number,
): Promise<TypicalityDocument | undefined> {
  if (data === undefined) return undefined;
  const file = typeof labels === 'string' ? labels : undefined;
  const {
    samples,
    sha256: dataSha256,
    close,
  } = await openDataSet(data, file, { labelled: labels !== false });
  const progress = createProgress();
  try {
    return await measureTypicality({
      decoder: createDecoder(createConfig()),
      ...{ input, samples, dataSha256, seed },
      onProgress: (done, of) => progress.show('images measured', done, of),
    });
  } finally {
    progress.end();
    close();
  }
}
