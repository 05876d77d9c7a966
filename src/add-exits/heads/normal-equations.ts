// What fitting heads needs to know of all images at once: the features' correlations, among them and with the logits.
import { Matrix } from 'ml-matrix';
import type { Engine } from '../../engines/engine.js';
import { gram, type Rows } from './linear-products.js';

/** Normal equations of standardised features and centred logits. */
export interface NormalEquations {
  readonly features: number;
  readonly classes: number;
  /** [images, features + classes]: standardised features, centred logits */
  readonly rows: Rows;
  /** [features, features]: the features' correlations */
  readonly correlations: Matrix;
  /** [features, classes]: of features and logits */
  readonly targets: Matrix;
  /** Per feature; `scale` is 0 where a feature never varies, and such a feature gets no weight. */
  readonly mean: Float64Array;
  readonly scale: Float64Array;
  /** Per class. */
  readonly meanLogits: Float64Array;
}

/**
 * A softmax does not change when all logits of an image do by as much, so each image's logits are centred first.
 * Takes memory for a copy of the rows, and for (features + classes)² numbers.
 */
export async function normalEquations(
  engine: Engine,
  features: Rows,
  logits: Rows,
): Promise<NormalEquations> {
  const images = features.values.length / features.width;
  const [mean, scale] = momentsOf(features);
  const width = features.width + logits.width;
  const joined = new Float32Array(images * width);
  const meanLogits = new Float64Array(logits.width);
  for (let image = 0; image < images; image++) {
    const row = joined.subarray(image * width, (image + 1) * width);
    const from = image * features.width;
    for (let one = 0; one < features.width; one++) {
      row[one] = ((features.values[from + one] as number) - (mean[one] as number)) * (scale[one] as number);
    }
    const answer = logits.values.subarray(image * logits.width, (image + 1) * logits.width);
    const centre = answer.reduce((sum, value) => sum + value, 0) / logits.width;
    answer.forEach((value, one) => {
      row[features.width + one] = value - centre;
      meanLogits[one] = (meanLogits[one] as number) + (value - centre) / images;
    });
  }
  const rows: Rows = { values: joined, width };
  const products = await gram(engine, rows);
  const at = (row: number, column: number) => (products[row * width + column] as number) / images;
  const correlations = new Matrix(features.width, features.width);
  const targets = new Matrix(features.width, logits.width);
  for (let row = 0; row < features.width; row++) {
    for (let column = 0; column < features.width; column++) correlations.set(row, column, at(row, column));
    for (let one = 0; one < logits.width; one++) targets.set(row, one, at(row, features.width + one));
  }
  return {
    ...{ features: features.width, classes: logits.width, rows },
    ...{ correlations, targets, mean, scale, meanLogits },
  };
}

/** @returns the mean of each feature, and one over its standard deviation */
function momentsOf({ values, width }: Rows): [mean: Float64Array, scale: Float64Array] {
  const images = values.length / width;
  const [mean, squares] = [new Float64Array(width), new Float64Array(width)];
  for (let place = 0; place < values.length; place++) {
    const one = place % width;
    mean[one] = (mean[one] as number) + (values[place] as number) / images;
  }
  for (let place = 0; place < values.length; place++) {
    const one = place % width;
    const difference = (values[place] as number) - (mean[one] as number);
    squares[one] = (squares[one] as number) + difference ** 2 / images;
  }
  const scale = squares.map((square, one) => {
    const deviation = Math.sqrt(square);
    return deviation > 1e-6 * Math.max(1e-6, Math.abs(mean[one] as number)) ? 1 / deviation : 0;
  });
  return [mean, scale];
}
