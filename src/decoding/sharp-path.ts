// The thorough path: every image that needs resampling, colour management, orientation or a closer look.
// Runs on libvips' thread pool and is the one judge of what is a broken image.
import sharp from 'sharp';
import type { ModelInput } from '../format/manifest.js';
import { Failure, messageOf } from '../foundation/errors.js';
import { toModelPixels } from './model-pixels.js';

export type SharpDecode = (image: Buffer, input: ModelInput) => Promise<Uint8Array>;

/**
 * Prepares sharp for this process and returns the decoder: the first frame, upright by its EXIF orientation,
 * in sRGB and 8 bits (both are what sharp gives unasked), resized by `input.resize`.
 *
 * The settings are libvips' own and hold for the whole process, so that calling this twice changes nothing:
 * no cache (no two requests share an image), one thread per image (requests are what runs in parallel), and no
 * loader but the three that this service promises.
 *
 * The promise resolves to uint8 [input.height, input.width, input.channels], or rejects with a Failure:
 * `undecodable-image`, or `image-too-large` where libvips counts more pixels than the header told.
 */
export function createSharpDecode(maxImagePixels: number): SharpDecode {
  sharp.cache(false);
  sharp.concurrency(1);
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({
    operation: ['VipsForeignLoadPngBuffer', 'VipsForeignLoadJpegBuffer', 'VipsForeignLoadWebpBuffer'],
  });

  return async (image, input) => {
    const background = { r: input.background, g: input.background, b: input.background };
    const pipeline = sharp(image, {
      failOn: 'warning',
      limitInputPixels: maxImagePixels,
      sequentialRead: true,
      autoOrient: true,
      pages: 1,
    })
      .resize({ width: input.width, height: input.height, fit: input.resize, background })
      .raw();
    let pixels: Buffer;
    try {
      pixels = await pipeline.toBuffer();
    } catch (error) {
      throw refusal(error);
    }
    return toModelPixels(pixels, input);
  };
}

/** libvips' own words are kept as the cause, for the log; clients get ours. */
function refusal(cause: unknown): Failure {
  return messageOf(cause).includes('exceeds pixel limit')
    ? new Failure('image-too-large', 'The image has more pixels than this service accepts.', { cause })
    : new Failure('undecodable-image', 'The image is truncated or corrupt.', { cause });
}
