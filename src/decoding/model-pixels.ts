// Converts decoded pixels of one to four channels to the channels that a model takes. Both decoders use it, so that
// they treat transparency and grey alike. It does not resize.

import type { ModelInput } from '../format/manifest.js';
import { invariant } from '../foundation/errors.js';

/**
 * Converts pixels to the model's channels. Alpha is flattened on `input.background`, RGB becomes grey by its luma, and
 * grey is replicated for RGB.
 *
 * @param pixels uint8 [count, channels]; channels: grey, grey + alpha, RGB or RGBA
 * @param count number of pixels; default: those of the model's input
 * @returns uint8 [count, input.channels] in a buffer of its own, which may be transferred
 */
export function toModelPixels(
  pixels: Uint8Array,
  input: ModelInput,
  count = input.height * input.width,
): Uint8Array {
  const channels = pixels.length / count;
  invariant(channels === 1 || channels === 2 || channels === 3 || channels === 4, 'Decoded to a wrong size');
  if (channels === input.channels) return new Uint8Array(pixels);

  const hasAlpha = channels % 2 === 0;
  const isColour = channels > 2;
  const result = new Uint8Array(count * input.channels);
  for (let pixel = 0, source = 0, target = 0; pixel < count; pixel++, source += channels) {
    const alpha = hasAlpha ? at(pixels, source + channels - 1) : 255;
    const red = flatten(at(pixels, source), alpha, input.background);
    const green = isColour ? flatten(at(pixels, source + 1), alpha, input.background) : red;
    const blue = isColour ? flatten(at(pixels, source + 2), alpha, input.background) : red;
    if (input.channels === 1) {
      result[target++] = luma(red, green, blue);
    } else {
      result[target++] = red;
      result[target++] = green;
      result[target++] = blue;
    }
  }
  return result;
}

function at(pixels: Uint8Array, index: number): number {
  return pixels[index] ?? 0;
}

/** Blends a value with the background. Rounds down like libvips, so that both decoders give equal pixels. */
function flatten(value: number, alpha: number, background: number): number {
  return alpha === 255 ? value : Math.floor((value * alpha + background * (255 - alpha)) / 255);
}

/** ITU-R BT.601 luma in 16-bit fixed point with Pillow's coefficients. They sum to 1, so that grey does not change. */
function luma(red: number, green: number, blue: number): number {
  return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
}
