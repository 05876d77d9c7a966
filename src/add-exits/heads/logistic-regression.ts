// Multinomial logistic regression from features to the network's own answers, all of its probabilities: deterministic, and
// without a step size. The Hessian is at most half the features' correlations, whatever the weights (Böhning,
// "Multinomial logistic regression algorithm", 1992), so that one inverse of that bound serves for all steps; Nesterov's
// momentum makes few of them enough.
import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import type { Engine } from '../../engines/engine.js';
import { invertLower } from '../../foundation/invert-lower.js';
import type { LinearHead } from './exit-graph.js';
import { crossEntropyGradient, gram, product } from './linear-products.js';
import type { NormalEquations } from './normal-equations.js';

/** Twice as many change no agreement by more than 0.1 points. */
const STEPS = 20;

/**
 * Lowers the mean cross entropy, with `penalty`/2 times the squared weights of standardised features.
 * Starts from ridge regression to the logits, which the same inverse gives.
 * @returns the head for raw features
 */
export async function fitLogistic(
  engine: Engine,
  equations: NormalEquations,
  penalty: number,
): Promise<LinearHead> {
  const { features, classes, correlations, targets, meanLogits, rows } = equations;
  const bound = Matrix.mul(correlations, 1 / 2);
  for (let one = 0; one < features; one++) bound.set(one, one, bound.get(one, one) + penalty);
  const inverse = { values: Float32Array.from(await inverseOf(engine, bound)), width: features };
  const weights = features * classes;
  const ridge = await product(engine, inverse, targets.to1DArray(), classes);
  let here = new Float64Array(weights + classes);
  here.set(ridge.map((value) => value / 2));
  here.set(meanLogits, weights);
  let before = here;
  let momentum = 1;
  for (let step = 0; step < STEPS; step++) {
    const next = (1 + Math.sqrt(1 + 4 * momentum ** 2)) / 2;
    const ahead = here.map((value, place) => {
      return value + ((momentum - 1) / next) * (value - (before[place] as number));
    });
    const gradient = await crossEntropyGradient(engine, rows, ahead, classes);
    for (let place = 0; place < weights; place++) {
      gradient[place] = (gradient[place] as number) + penalty * (ahead[place] as number);
    }
    const moved = await product(engine, inverse, gradient.subarray(0, weights), classes);
    const moves = (place: number): number =>
      // The features have mean 0, so the biases have a bound of their own: ½.
      place < weights ? (moved[place] as number) : 2 * (gradient[place] as number);
    [before, here, momentum] = [here, ahead.map((value, place) => value - moves(place)), next];
  }
  return headOf(equations, here);
}

/**
 * Of a positive definite matrix A = LLᵀ: A⁻¹ = RᵀR with R = L⁻¹. The steps need it for each class, and a product by the
 * engine takes a hundredth of the time in which ml-matrix solves for a thousand classes.
 * @returns row-major
 */
async function inverseOf(engine: Engine, matrix: Matrix): Promise<Float64Array> {
  const width = matrix.rows;
  const { lowerTriangularMatrix } = new CholeskyDecomposition(matrix);
  const inverted = invertLower(lowerTriangularMatrix.to1DArray(), width);
  return gram(engine, { values: Float32Array.from(inverted), width });
}

/** @param weights of standardised features, [features, classes], then the biases */
function headOf({ features, classes, mean, scale }: NormalEquations, weights: Float64Array): LinearHead {
  const weight = new Float32Array(classes * features);
  const bias = weights.slice(features * classes);
  for (let label = 0; label < classes; label++) {
    for (let one = 0; one < features; one++) {
      const raw = (weights[one * classes + label] as number) * (scale[one] as number);
      weight[label * features + one] = raw;
      bias[label] = (bias[label] as number) - raw * (mean[one] as number);
    }
  }
  return { weight, bias: Float32Array.from(bias) };
}
