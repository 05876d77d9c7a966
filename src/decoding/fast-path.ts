// The fast path: small plain images that already have the model's size, decoded at once on the calling thread.
// It only ever says yes; whatever it does not take, or fails on, sharp-path.ts decides.
import { Transformer } from '@napi-rs/image';
import type { ModelInput } from '../format/manifest.js';
import type { ImageHeader } from './image-header.js';
import { toModelPixels } from './model-pixels.js';

/** Above it a decode takes longer on the calling thread than handing it to another one costs. */
const MAX_PIXELS = 128 * 128;
/** Encoded bytes per pixel, and on top of them, beyond which a small image is no ordinary one. */
const MAX_BYTES_PER_PIXEL = 5;
const MAX_EXTRA_BYTES = 8192;

/** True if both decoders give this image the same pixels (JPEG: within 3 grey levels) and this one is cheaper. */
export function suitsFastPath(header: ImageHeader, imageBytes: number, input: ModelInput): boolean {
  const pixels = header.width * header.height;
  return (
    header.width === input.width &&
    header.height === input.height &&
    (header.plain === 'yes' || (header.plain === 'in-grey' && input.channels === 1)) &&
    pixels <= MAX_PIXELS &&
    imageBytes <= pixels * MAX_BYTES_PER_PIXEL + MAX_EXTRA_BYTES
  );
}

/**
 * Decodes an image that `suitsFastPath`.
 *
 * @returns uint8 [input.height, input.width, input.channels], or undefined when the library refuses the bytes
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
