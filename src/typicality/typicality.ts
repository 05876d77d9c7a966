// How typical an image is of those that a model was calibrated on: a conformal p-value.
import type { ImageValues } from '../cascade/image-tensor.js';
import type { ModelInput } from '../format/manifest.js';
import type { TypicalityDocument } from '../format/typicality.js';
import { distanceTo } from './distance.js';
import { createImageStatistics } from './image-statistics.js';

export interface ImageTypicality {
  /**
   * (1 + r) / (1 + n), r of the n reference images being as far from typical images as this one, or farther. Of images
   * like them, a share of at most α has a p-value of at most α. r is exact below 100, and above that rounded up to the
   * next rank kept.
   */
  readonly pValue: number;
  /** false where the p-value is at most the package's level. */
  readonly typical: boolean;
}

export interface Typicality {
  /** An image with a p-value up to this is not typical. */
  readonly level: number;
  readonly referenceImages: number;
  /** @param values of one image, as pixels or as the graph's own values */
  measure(values: ImageValues): ImageTypicality;
}

/** @param document checked by `checkTypicality`, and made for this input */
export function createTypicality(document: TypicalityDocument, input: ModelInput): Typicality {
  const statisticsOf = createImageStatistics(input);
  const distanceOf = distanceTo(document);
  const { level, images } = document;
  return {
    level,
    referenceImages: images.reference,
    measure(values) {
      const asFar = countAsFar(distanceOf(statisticsOf(values)), document.reference, images.reference);
      const pValue = (1 + asFar) / (1 + images.reference);
      return { pValue, typical: pValue > level };
    },
  };
}

/** How many reference images are at this distance or farther; none for NaN, as of values that are not finite. */
function countAsFar(
  distance: number,
  { ranks, distances }: TypicalityDocument['reference'],
  images: number,
): number {
  if (Number.isNaN(distance)) return 0;
  // Binary search for the first rank whose image is nearer.
  let [low, high] = [0, distances.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((distances[middle] as number) >= distance) low = middle + 1;
    else high = middle;
  }
  return low === distances.length ? images : (ranks[low] as number) - 1;
}
