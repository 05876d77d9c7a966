// Synthetic images, which need no data set. They are seeded, and differ enough to distinguish one network from another.

import type { ModelInput } from '../format/manifest.js';
import { createUniform } from '../foundation/random.js';

/**
 * Makes images from a few low-frequency waves. Colours, contrast and noise differ from image to image.
 * @returns for each image, uint8 [height, width, channels]
 */
export function syntheticImages(
  { height, width, channels }: Pick<ModelInput, 'height' | 'width' | 'channels'>,
  count: number,
  seed: number,
): Uint8Array[] {
  const random = createUniform(seed);
  return Array.from({ length: count }, () => {
    const contrast = 20 + 90 * random();
    const waves = Array.from({ length: 3 * channels }, () => ({
      x: (random() - 0.5) * 6,
      y: (random() - 0.5) * 6,
      phase: random(),
    }));
    return Uint8Array.from({ length: height * width * channels }, (_, index) => {
      const channel = index % channels;
      const pixel = (index - channel) / channels;
      const [x, y] = [(pixel % width) / width, Math.floor(pixel / width) / height];
      const level = waves
        .slice(3 * channel, 3 * channel + 3)
        .reduce((sum, wave) => sum + Math.sin(2 * Math.PI * (wave.x * x + wave.y * y + wave.phase)), 0);
      const value = 128 + contrast * (level / 2 + 0.3 * (random() - 0.5));
      return Math.min(255, Math.max(0, Math.round(value)));
    });
  });
}
