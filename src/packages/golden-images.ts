// Golden images of a package: decoded here as those of requests are, so that running them proves preprocessing, too.
import { createDecoder } from '../decoding/decode.js';
import type { MediaType } from '../decoding/media-types.js';
import { correctPolarity } from '../decoding/polarity.js';
import { GOLDEN_IMAGES_FILE } from '../format/documents.js';
import type { GoldenDocument, GoldenImages } from '../format/golden.js';
import type { ModelInput } from '../format/manifest.js';
import { messageOf, PackageError } from '../foundation/errors.js';

/** A photograph of a phone; larger ones prove no more. */
const LIMITS = { maxImagePixels: 2 ** 25, maxImageMemoryBytes: 2 ** 29 };

/** An encoded image, and its name in messages. */
export interface NamedImage {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** undefined: any format. */
  readonly mediaType?: MediaType;
}

/** @throws PackageError that names the image that cannot be decoded. */
export async function decodeGoldenImages(
  { tolerance, cases }: GoldenImages,
  input: ModelInput,
): Promise<GoldenDocument> {
  const images = cases.map(({ image }, index) => ({
    name: `${GOLDEN_IMAGES_FILE}: /cases/${index}/image`,
    bytes: Buffer.from(image, 'base64'),
  }));
  const decoded = await decodeImages(images, input);
  return {
    tolerance,
    cases: cases.map(({ logits }, index) => ({
      pixels: Buffer.from(decoded[index] ?? []).toString('base64'),
      logits,
    })),
  };
}

/** @returns uint8 [height, width, channels] each. @throws PackageError that names the image that cannot be decoded */
export async function decodeImages(images: readonly NamedImage[], input: ModelInput): Promise<Uint8Array[]> {
  const decoder = createDecoder(LIMITS);
  const decoded: Uint8Array[] = [];
  for (const { name, bytes, mediaType } of images) {
    try {
      const pixels = await decoder.decode(bytes, mediaType, input);
      correctPolarity(pixels, input);
      decoded.push(pixels);
    } catch (error) {
      throw new PackageError(`${name}: ${messageOf(error)}`, { cause: error });
    }
  }
  return decoded;
}
