// The fast path decodes small plain images of the model's size at once, on the calling thread.
// It refuses no image: sharp-path.ts decodes all others, and those on which the fast path fails.
import { Transformer } from '@napi-rs/image';
import type { ModelInput } from '../format/manifest.js';
import type { ImageHeader } from './image-header.js';
import { toModelPixels } from './model-pixels.js';
import { isKept } from './resize/geometry.js';
import { isResampled } from './resize/resample.js';

/** Decoding more pixels on the calling thread takes longer than passing the image to another thread. */
const MAX_PIXELS = 128 * 128;
/** Limits of the encoded bytes, per pixel and in addition. Ordinary small images stay below them. */
const MAX_BYTES_PER_PIXEL = 5;
const MAX_EXTRA_BYTES = 8192;

/** Whether both decoders give the same pixels for this image (JPEG: within 3 grey levels) and this one is cheaper. */
export function suitsFastPath(header: ImageHeader, imageBytes: number, input: ModelInput): boolean {
  const pixels = header.width * header.height;
  return (
    header.width === input.width &&
    header.height === input.height &&
    (header.plain === 'yes' || (header.plain === 'in-grey' && input.channels === 1)) &&
    pixels <= MAX_PIXELS &&
    (!isResampled(input) || isKept(header, input)) &&
    imageBytes <= pixels * MAX_BYTES_PER_PIXEL + MAX_EXTRA_BYTES
  );
}

/**
 * Decodes an image for which `suitsFastPath` is true.
 *
 * @returns uint8 [input.height, input.width, input.channels]; undefined if the library refuses the bytes
 */
export function decodeFast(image: Buffer, input: ModelInput): Uint8Array | undefined {
  let pixels: Uint8Array;
  try {
    pixels = new Transformer(image).rawPixelsSync();
  } catch {
    return undefined;
  }
  return toModelPixels(pixels, input);
}
