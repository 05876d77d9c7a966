// The general path decodes all images that the fast path does not take, on libvips' thread pool. Only this path decides
// whether an image is corrupt. enlarge.ts enlarges small images, resize/ resizes for models whose manifest gives an
// interpolation, and libvips does all other processing.
import sharp, { type Sharp } from 'sharp';
import type { ModelInput } from '../format/manifest.js';
import { Failure, invariant, messageOf } from '../foundation/errors.js';
import { enlarge, isEnlarged, neededFor } from './enlarge.js';
import type { ImageHeader } from './image-header.js';
import { toModelPixels } from './model-pixels.js';
import type { Size } from './resize/geometry.js';
import { type Decoded, isResampled } from './resize/resample.js';
import { createResampler } from './resize/resampler.js';

type Rule = Extract<ModelInput['resize'], string>;

export type SharpDecode = (image: Buffer, header: ImageHeader, input: ModelInput) => Promise<Uint8Array>;

/**
 * Configures sharp for this process and returns the decoder. It decodes the first frame, applies the EXIF orientation,
 * converts to sRGB with 8 bits (sharp's default) and resizes by `input.resize`.
 *
 * The settings are libvips' own and hold for the whole process; a second call does not change them. There is no cache,
 * because requests do not share images; one thread per image, because requests run in parallel; and only the loaders of
 * the three accepted formats.
 *
 * An image is refused if libjpeg, libpng or libwebp warns. libjpeg warns of damaged or missing coded data, which it
 * fills with grey. It also warns of harmless defects, which `jpeg/mend.ts` repairs.
 *
 * The promise resolves to uint8 [input.height, input.width, input.channels], or rejects with a Failure:
 * `undecodable-image`, or `image-too-large` if libvips finds more pixels than the header announced.
 */
export function createSharpDecode(maxImagePixels: number): SharpDecode {
  const resampler = createResampler();
  sharp.cache(false);
  sharp.concurrency(1);
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({
    operation: ['VipsForeignLoadPngBuffer', 'VipsForeignLoadJpegBuffer', 'VipsForeignLoadWebpBuffer'],
  });

  function open(image: Buffer, header: ImageHeader, { colourProfile }: ModelInput): Sharp {
    const opened = sharp(image, {
      failOn: 'warning',
      limitInputPixels: maxImagePixels,
      sequentialRead: true,
      autoOrient: true,
      pages: 1,
      ignoreIcc: colourProfile === 'ignore',
    });
    // sharp does not reduce an image while it loads it if the working colour space is given.
    return header.loadWhole ? opened.pipelineColourspace('srgb') : opened;
  }

  return async (image, header, input) => {
    const { width, height, resize: fit } = input;
    if (isResampled(input)) return resampler.resample(await decodedWhole(open(image, header, input)), input);
    invariant(typeof fit === 'string', 'a manifest that gives a size to resize to gives an interpolation');
    const background = { r: input.background, g: input.background, b: input.background };
    const small = mayBeEnlarged(header, input) ? await uprightSize(open(image, header, input)) : undefined;
    if (small && isEnlarged(small, input)) {
      const needed = neededFor(small, input);
      const native = await pixelsOf(cutTo(needed, small, open(image, header, input), fit));
      return enlarge(toModelPixels(native, input, needed.width * needed.height), needed, input);
    }
    const resized = open(image, header, input).resize({ width, height, fit, background });
    return toModelPixels(await pixelsOf(resized), input);
  };
}

/** Whether the image is enlarged in at least one orientation. */
export function mayBeEnlarged({ width, height }: Size, input: ModelInput): boolean {
  return Math.min(width, height) < Math.max(input.width, input.height);
}

async function uprightSize(image: Sharp): Promise<Size> {
  const { autoOrient } = await image.metadata().catch(refuse);
  return autoOrient;
}

/** In memory that can be handed to another thread. */
async function decodedWhole(image: Sharp): Promise<Decoded> {
  const { data, info } = await image.raw().toUint8Array().catch(refuse);
  return { pixels: data, width: info.width, height: info.height };
}

function pixelsOf(image: Sharp): Promise<Buffer> {
  return image.raw().toBuffer().catch(refuse);
}

/** Brings an image to the size that `neededFor` returns: `fill` reduces it, the other modes keep its middle. */
function cutTo({ width, height }: Size, from: Size, image: Sharp, fit: Rule): Sharp {
  if (width === from.width && height === from.height) return image;
  if (fit === 'fill') return image.resize({ width, height, fit });
  return image.extract({
    left: (from.width - width) / 2,
    top: (from.height - height) / 2,
    width,
    height,
  });
}

/** The log shows libvips' message as the cause; clients do not receive it. */
function refuse(cause: unknown): never {
  throw messageOf(cause).includes('exceeds pixel limit')
    ? new Failure('image-too-large', 'The image has more pixels than the server accepts.', { cause })
    : new Failure('undecodable-image', 'The image is truncated or corrupt.', { cause });
}
