// The schema of `typicality` in calibration.json: what images looked like that the network was calibrated on.
// typicality/fit.ts makes it, and typicality/typicality.ts compares images with it.
import Type from 'typebox';
import { PackageError } from '../foundation/errors.js';
import { inputSha256 } from './certificate.js';
import type { ModelInput } from './manifest.js';

/** The statistics of an image, in order; typicality/image-statistics.ts computes them. Only RGB images have the last two. */
export const statisticNames = [
  'brightness',
  'contrast',
  'horizontal-edges',
  'vertical-edges',
  'black',
  'white',
  'colour',
  'tint',
] as const;

/** @returns the names of the statistics of images with this number of channels */
export function statisticsOf({ channels }: Pick<ModelInput, 'channels'>): readonly string[] {
  return channels === 3 ? statisticNames : statisticNames.slice(0, -2);
}

const Count = (description: string) => Type.Integer({ minimum: 1, description });
const Sha256 = (description: string) => Type.String({ pattern: '^[0-9a-f]{64}$', description });

export const TypicalityDocument = Type.Object(
  {
    level: Type.Number({
      exclusiveMinimum: 0,
      exclusiveMaximum: 1,
      description: 'An image with a p-value up to this is not typical.',
    }),
    statistics: Type.Array(Type.String(), { minItems: 1, description: 'Their names, in order.' }),
    mean: Type.Array(Type.Number(), { description: 'Of each statistic, on the images that fit.' }),
    whitening: Type.Array(Type.Array(Type.Number()), {
      description:
        'Row k has k + 1 values: the inverse of the Cholesky factor of the covariance of the statistics. Applied to ' +
        'their differences from the mean, it gives a vector whose length is the Mahalanobis distance.',
    }),
    reference: Type.Object(
      {
        ranks: Type.Array(Type.Integer({ minimum: 1 }), {
          minItems: 1,
          description: 'From 1, the most distant reference image; ascending, to the last one.',
        }),
        distances: Type.Array(Type.Number({ minimum: 0 }), {
          description:
            'The Mahalanobis distance of the reference image with each of these ranks; descending.',
        }),
      },
      { additionalProperties: false },
    ),
    images: Type.Object(
      {
        fit: Count('Mean and whitening were computed on these.'),
        reference: Count('New images are ranked among these.'),
        seed: Type.Integer({ description: 'Of the split.' }),
      },
      { additionalProperties: false },
    ),
    sha256: Type.Object(
      {
        input: Sha256('Of what the manifest says about the input.'),
        data: Sha256('Of the data set that the images were drawn from.'),
      },
      { additionalProperties: false },
    ),
    date: Type.String({ description: 'When it was made, ISO 8601.' }),
    tool: Type.String(),
  },
  { additionalProperties: false },
);
export type TypicalityDocument = Type.Static<typeof TypicalityDocument>;

/**
 * Checks what the schema cannot express: the sizes, and the order of the reference images.
 * @throws PackageError
 */
export function checkTypicality(file: string, document: TypicalityDocument, input: ModelInput): void {
  const { statistics, mean, whitening, reference, images } = document;
  const { ranks, distances } = reference;
  const refuse = (place: string, fault: string): never => {
    throw new PackageError(`${file}: /typicality/${place} ${fault}.`);
  };
  const expected = statisticsOf(input);
  if (statistics.join() !== expected.join()) {
    refuse('statistics', `are ${statistics.join(', ')}; this rdi-serve computes ${expected.join(', ')}`);
  }
  if (mean.length !== statistics.length) {
    refuse('mean', `has ${mean.length} values for ${statistics.length} statistics`);
  }
  if (whitening.length !== statistics.length || whitening.some((row, index) => row.length !== index + 1)) {
    refuse('whitening', `is not a lower triangle of ${statistics.length} rows`);
  }
  if (distances.length !== ranks.length) {
    refuse('reference', `has ${distances.length} distances for ${ranks.length} ranks`);
  }
  if (ranks.some((rank, index) => rank <= (ranks[index - 1] ?? 0)) || ranks.at(-1) !== images.reference) {
    refuse('reference/ranks', `do not ascend to the last of the ${images.reference} reference images`);
  }
  if (distances.some((distance, index) => distance > (distances[index - 1] ?? Number.POSITIVE_INFINITY))) {
    refuse('reference/distances', 'do not descend');
  }
}

/** Whether the images were prepared as the manifest says now. */
export function fitsInput({ sha256 }: TypicalityDocument, input: ModelInput): boolean {
  return sha256.input === inputSha256(input);
}
