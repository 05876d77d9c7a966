// The test network as a package with a profile for every policy, and images whose exits differ under each of them.

import type { CalibrationDocument } from '../../../src/format/profiles.js';
import type { ModelPackage } from '../../../src/packages/package.js';
import { syntheticImages } from '../../../src/packages/synthetic-images.js';
import { fromPixels } from '../images/images.js';
import { type NetworkOptions, writeTestPackage } from './network.js';

export type TestPackage = { readonly package: ModelPackage };

/** Chosen so that each exit takes a good part of the synthetic images. */
export const calibration: CalibrationDocument = {
  formatVersion: 1,
  defaultProfile: 'default',
  profiles: {
    default: { policy: 'entropy', thresholds: [0.6, 0.6] },
    softmax: { policy: 'max-softmax', thresholds: [0.5, 0.5] },
    margin: { policy: 'margin', thresholds: [0.3, 0.3] },
    patience: { policy: 'patience', thresholds: [2, 2] },
    'second-only': { policy: 'entropy', thresholds: [null, 0.6] },
  },
};

/** Model `tiny`, version 1: three exits, ten classes, 16 × 16 RGB. */
export async function writeProfiledPackage(
  directory: string,
  options: NetworkOptions = {},
): Promise<TestPackage> {
  return { package: await writeTestPackage(directory, { ...options, calibration }) };
}

export interface TestImage {
  /** uint8 [16, 16, 3]. */
  readonly pixels: Uint8Array;
  readonly png: Buffer;
}

/** Images of exactly the model's size, as pixels and as PNG files: what is decoded is what was drawn. */
export async function testImages(count: number, seed = 7): Promise<TestImage[]> {
  const images = syntheticImages({ height: 16, width: 16, channels: 3 }, count, seed);
  return Promise.all(
    images.map(async (pixels) => ({ pixels, png: await fromPixels(pixels, 16, 16, 3).png().toBuffer() })),
  );
}
