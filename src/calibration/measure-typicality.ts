// Measures what the images of a data set look like, decoded like those of requests. No network runs.
import type { Sample } from '../datasets/data-set.js';
import { decodeSample } from '../datasets/decode-sample.js';
import type { Decoder } from '../decoding/decode.js';
import type { ModelInput } from '../format/manifest.js';
import type { TypicalityDocument } from '../format/typicality.js';
import { createUniform, shuffledIndices } from '../foundation/random.js';
import { FEWEST_IMAGES, fitTypicality } from '../typicality/fit.js';
import { createImageStatistics } from '../typicality/image-statistics.js';

/** More images would change p-values by less than they vary anyway. */
const MOST_IMAGES = 10_000;

export interface MeasureOptions {
  readonly input: ModelInput;
  readonly decoder: Decoder;
  readonly samples: readonly Sample[];
  readonly dataSha256: string;
  /** Of the split, and of the choice if there are more images than are needed. */
  readonly seed: number;
  /** Called after each image. */
  readonly onProgress: (done: number, of: number) => void;
}

/**
 * @returns undefined if there are fewer than `FEWEST_IMAGES`
 * @throws UsageError that names the image if it cannot be decoded
 */
export async function measureTypicality(options: MeasureOptions): Promise<TypicalityDocument | undefined> {
  const { input, decoder, samples, dataSha256, seed, onProgress } = options;
  if (samples.length < FEWEST_IMAGES) return undefined;
  const statisticsOf = createImageStatistics(input);
  const chosen = shuffledIndices(samples.length, createUniform(seed)).slice(0, MOST_IMAGES).sort();
  const statistics: Float64Array[] = [];
  for (const index of chosen) {
    const pixels = await decodeSample(decoder, samples[index] as Sample, input);
    statistics.push(statisticsOf(pixels).slice());
    onProgress(statistics.length, chosen.length);
  }
  return fitTypicality({ input, statistics, seed, dataSha256, date: new Date() });
}
