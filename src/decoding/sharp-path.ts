// The thorough path: every image that needs resampling, colour management, orientation or a closer look.
// Runs on libvips' thread pool and is the one judge of what is a broken image. Enlarging alone is done in enlarge.ts.
import sharp, { type Sharp } from 'sharp';
import type { ModelInput } from '../format/manifest.js';
import { Failure, messageOf } from '../foundation/errors.js';
import { enlarge, isEnlarged, neededFor, type Size } from './enlarge.js';
import type { ImageHeader } from './image-header.js';
import { toModelPixels } from './model-pixels.js';

export type SharpDecode = (image: Buffer, header: ImageHeader, input: ModelInput) => Promise<Uint8Array>;

/**
 * Prepares sharp for this process and returns the decoder: the first frame, upright by its EXIF orientation,
 * in sRGB and 8 bits (both are what sharp gives unasked), resized by `input.resize`.
 *
 * The settings are libvips' own and hold for the whole process, so that calling this twice changes nothing:
 * no cache (no two requests share an image), one thread per image (requests are what runs in parallel), and no
 * loader but the three that this service promises.
 *
 * Whatever libjpeg, libpng or libwebp warns about is refused: of a JPEG, damaged or missing coded data, which they would
 * fill up with grey. What is only odd has been mended before (`jpeg/mend.ts`).
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

  function open(image: Buffer, header: ImageHeader): Sharp {
    const opened = sharp(image, {
      failOn: 'warning',
      limitInputPixels: maxImagePixels,
      sequentialRead: true,
      autoOrient: true,
      pages: 1,
    });
    // Naming the colour space to work in is what keeps sharp from shrinking while it loads.
    return header.loadWhole ? opened.pipelineColourspace('srgb') : opened;
  }

  return async (image, header, input) => {
    const { width, height, resize: fit } = input;
    const background = { r: input.background, g: input.background, b: input.background };
    const small = mayBeEnlarged(header, input) ? await uprightSize(open(image, header)) : undefined;
    if (small && isEnlarged(small, input)) {
      const needed = neededFor(small, input);
      const native = await pixelsOf(cutTo(needed, small, open(image, header), fit));
      return enlarge(toModelPixels(native, input, needed.width * needed.height), needed, input);
    }
    const resized = open(image, header).resize({ width, height, fit, background });
    return toModelPixels(await pixelsOf(resized), input);
  };
}

/** False if no orientation makes this an image that is enlarged. */
export function mayBeEnlarged({ width, height }: Size, input: ModelInput): boolean {
  return Math.min(width, height) < Math.max(input.width, input.height);
}

async function uprightSize(image: Sharp): Promise<Size> {
  const { autoOrient } = await image.metadata().catch(refuse);
  return autoOrient;
}

function pixelsOf(image: Sharp): Promise<Buffer> {
  return image.raw().toBuffer().catch(refuse);
}

/** Brings an image down to the size that enlarging it needs: reduced along the axes that are too long, or its middle. */
function cutTo({ width, height }: Size, from: Size, image: Sharp, fit: ModelInput['resize']): Sharp {
  if (width === from.width && height === from.height) return image;
  if (fit === 'fill') return image.resize({ width, height, fit });
  return image.extract({
    left: (from.width - width) / 2,
    top: (from.height - height) / 2,
    width,
    height,
  });
}

/** libvips' own words are kept as the cause, for the log; clients get ours. */
function refuse(cause: unknown): never {
  throw messageOf(cause).includes('exceeds pixel limit')
    ? new Failure('image-too-large', 'The image has more pixels than this service accepts.', { cause })
    : new Failure('undecodable-image', 'The image is truncated or corrupt.', { cause });
}
