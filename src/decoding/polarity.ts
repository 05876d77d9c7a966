// Polarity: black strokes on white become white strokes on black, for models whose manifest says `polarity: auto`.
// docs/images.md has what the rule does to MNIST.
import type { ModelInput } from '../format/manifest.js';

/** Grey levels from here on are bright. */
const BRIGHT = 128;

/**
 * Inverts an image in place if the model's polarity is `auto` and more than half of the image's border is bright. An
 * image and its inverted copy thus give the same pixels, unless exactly half of the border is.
 *
 * @param pixels uint8 [input.height, input.width, 1], after resizing
 * @returns whether the image was inverted
 */
export function correctPolarity(pixels: Uint8Array, input: ModelInput): boolean {
  if (input.polarity !== 'auto' || !hasBrightBorder(pixels, input)) return false;
  for (let place = 0; place < pixels.length; place++) pixels[place] = 255 - (pixels[place] ?? 0);
  return true;
}

/** Whether more than half of the outermost rows and columns are bright. */
function hasBrightBorder(pixels: Uint8Array, { height, width }: ModelInput): boolean {
  let [bright, all] = [0, 0];
  for (let y = 0; y < height; y++) {
    const isEdge = y === 0 || y === height - 1;
    for (let x = 0; x < width; x += isEdge ? 1 : Math.max(1, width - 1)) {
      all++;
      if ((pixels[y * width + x] ?? 0) >= BRIGHT) bright++;
    }
  }
  return bright * 2 > all;
}
