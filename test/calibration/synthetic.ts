// Recorded scores without a network: images of graded difficulty that deeper exits get right more often, and are
// surer about when they do.

import type { Recording } from '../../src/calibration/scores/recording.js';
import type { ManifestExit } from '../../src/format/manifest.js';
import { createUniform } from '../../src/foundation/random.js';

export const classes = 4;

/** Three exits; the heads of the first two cost a twentieth of the backbone each. */
export const exits: readonly ManifestExit[] = [
  { name: 'first', logits: 'a', cut: 'x', flops: { stage: 100, head: 50, cumulative: 150 } },
  { name: 'second', logits: 'b', cut: 'y', flops: { stage: 400, head: 50, cumulative: 600 } },
  { name: 'final', logits: 'c', flops: { stage: 500, head: 0, cumulative: 1100 } },
];

/**
 * An image of difficulty d in [0, 1] is answered rightly with a margin of about `depth − 2d` logits, more or less
 * noise: hard images, and early exits, are wrong more often and then less sure.
 */
export function syntheticRecording(images: number, seed: number): Recording & { readonly truth: Int32Array } {
  const uniform = createUniform(seed);
  const truth = Int32Array.from({ length: images }, () => Math.floor(classes * uniform()));
  const logits = new Float32Array(images * exits.length * classes);
  truth.forEach((right, image) => {
    const difficulty = uniform() ** 2;
    exits.forEach((_, exit) => {
      const row = (image * exits.length + exit) * classes;
      for (let one = 0; one < classes; one++) {
        const noise = 2.4 * (uniform() + uniform() - 1);
        const strength = 4.5 + 1.5 * exit - 6 * difficulty;
        logits[row + one] = 2 * ((one === right ? Math.max(strength, 0.3) : 0) + noise);
      }
    });
  });
  return {
    model: 'synthetic/1',
    modelSha256: '0'.repeat(64),
    describedSha256: '2'.repeat(64),
    dataSha256: '1'.repeat(64),
    images,
    exits: exits.length,
    classes,
    logits,
    truth,
  };
}
