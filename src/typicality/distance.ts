// The Mahalanobis distance of an image's statistics from those of typical images.
import type { TypicalityDocument } from '../format/typicality.js';

/** @returns a function from statistics to their distance; NaN if one of them is */
export function distanceTo({
  mean,
  whitening,
}: Pick<TypicalityDocument, 'mean' | 'whitening'>): (statistics: Float64Array) => number {
  const differences = new Float64Array(mean.length);
  return (statistics) => {
    let squares = 0;
    for (let i = 0; i < differences.length; i++) {
      differences[i] = (statistics[i] as number) - (mean[i] as number);
      const row = whitening[i] as readonly number[];
      let sum = 0;
      for (let j = 0; j <= i; j++) sum += (row[j] as number) * (differences[j] as number);
      squares += sum * sum;
    }
    return Math.sqrt(squares);
  };
}
