// Golden images of a package: decoded here as those of requests are, so that running them proves preprocessing, too.
import { createDecoder } from '../decoding/decode.js';
import { GOLDEN_IMAGES_FILE } from '../format/documents.js';
import type { GoldenDocument, GoldenImages } from '../format/golden.js';
import type { ModelInput } from '../format/manifest.js';
import { messageOf, PackageError } from '../foundation/errors.js';

/** A photograph of a phone; larger ones prove no more. */
const LIMITS = { maxImagePixels: 2 ** 25, maxImageMemoryBytes: 2 ** 29 };

/** @throws PackageError that names the image that cannot be decoded. */
export async function decodeGoldenImages(
  { tolerance, cases }: GoldenImages,
  input: ModelInput,
): Promise<GoldenDocument> {
  const decoder = createDecoder(LIMITS);
  const decoded: GoldenDocument['cases'] = [];
  for (const [index, { image, logits }] of cases.entries()) {
    try {
      const pixels = await decoder.decode(Buffer.from(image, 'base64'), undefined, input);
      decoded.push({ pixels: Buffer.from(pixels).toString('base64'), logits });
    } catch (error) {
      throw new PackageError(`${GOLDEN_IMAGES_FILE}: /cases/${index}/image: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
  return { tolerance, cases: decoded };
}
