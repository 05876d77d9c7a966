// The inverse of a lower triangular matrix, for covariances whose Cholesky factor is known.

/**
 * By forward substitution.
 * @param lower [width, width], row-major; what stands above the diagonal is not read
 * @returns the same; 0 above the diagonal
 */
export function invertLower(lower: ArrayLike<number>, width: number): Float64Array {
  const inverse = new Float64Array(width * width);
  for (let row = 0; row < width; row++) {
    const start = row * width;
    const diagonal = lower[start + row] as number;
    for (let above = 0; above < row; above++) {
      const factor = lower[start + above] as number;
      for (let column = 0; column <= above; column++) {
        inverse[start + column] =
          (inverse[start + column] as number) + factor * (inverse[above * width + column] as number);
      }
    }
    for (let column = 0; column < row; column++) {
      inverse[start + column] = -(inverse[start + column] as number) / diagonal;
    }
    inverse[start + row] = 1 / diagonal;
  }
  return inverse;
}
