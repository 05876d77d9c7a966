// The pixels of one image of a data set, as those of a request.
import type { Decoder } from '../decoding/decode.js';
import { correctPolarity } from '../decoding/polarity.js';
import type { ModelInput } from '../format/manifest.js';
import { messageOf, UsageError } from '../foundation/errors.js';
import type { Sample } from './data-set.js';

/** @throws UsageError that names the image if it cannot be decoded. */
export async function decodeSample(decoder: Decoder, sample: Sample, input: ModelInput): Promise<Uint8Array> {
  try {
    const pixels = await decoder.decode(await sample.read(), sample.mediaType, input);
    correctPolarity(pixels, input);
    return pixels;
  } catch (error) {
    throw new UsageError(`${sample.name} cannot be decoded: ${messageOf(error)}`, { cause: error });
  }
}
