// Images without a data set: seeded, and different enough from each other to tell one network from another.

import type { ModelInput } from '../format/manifest.js';
import { createUniform } from '../foundation/random.js';

/**
 * Images of a few soft waves, each with its own colours, contrast and grain.
 * @returns uint8 [height, width, channels] for each.
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
