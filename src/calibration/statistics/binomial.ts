// The binomial distribution in log space, accurate where p-values need it: far out in the lower tail, for large n.

/** Terms of a tail that are smaller than this share of their sum do not change the sum. */
const NEGLIGIBLE = 2 ** -56;

/**
 * ln P(X ≤ k) for X ~ Bin(n, p). Sums the tail on k's side of the mean: its largest term comes from Loader's formula,
 * the other terms are computed relative to it.
 * @param p in (0, 1).
 */
export function logBinomialCdf(k: number, n: number, p: number): number {
  if (k < 0) return Number.NEGATIVE_INFINITY;
  if (k >= n) return 0;
  const odds = p / (1 - p);
  if (k <= n * p) {
    // t(i − 1) / t(i) = i / ((n − i + 1) · odds), below 1 on this side of the mean.
    const tail = sumRelative(k, (step) => (k - step) / ((n - k + step + 1) * odds));
    return logBinomialPmf(k, n, p) + Math.log(tail);
  }
  const first = k + 1;
  // t(i + 1) / t(i) = (n − i) · odds / (i + 1)
  const tail = sumRelative(n - first, (step) => ((n - first - step) * odds) / (first + step + 1));
  return Math.log1p(-Math.exp(logBinomialPmf(first, n, p) + Math.log(tail)));
}

/**
 * ln P(X = k) by the saddle-point expansion of C. Loader, "Fast and accurate computation of binomial probabilities"
 * (2000). It avoids differences of large logarithms, so it stays accurate for large n.
 */
export function logBinomialPmf(k: number, n: number, p: number): number {
  if (k === 0) return n * Math.log1p(-p);
  if (k === n) return n * Math.log(p);
  return (
    stirlingError(n) -
    stirlingError(k) -
    stirlingError(n - k) -
    deviance(k, n * p) -
    deviance(n - k, n * (1 - p)) +
    0.5 * Math.log(n / (2 * Math.PI * k * (n - k)))
  );
}

/** 1 + r₀ + r₀r₁ + … with at most `count` ratios; stops when the next terms are negligible. */
function sumRelative(count: number, ratio: (step: number) => number): number {
  let sum = 1;
  let term = 1;
  for (let step = 0; step < count && term > NEGLIGIBLE * sum; step++) {
    term *= ratio(step);
    sum += term;
  }
  return sum;
}

/** ln n! − ln(√(2πn)·(n/e)ⁿ): the error of Stirling's approximation. */
function stirlingError(n: number): number {
  if (n > 15) {
    const square = n * n;
    // The terms of Stirling's series; the next one is below 10⁻¹⁵ for n > 15.
    return (
      (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / (1188 * square)) / square) / square) / square) / n
    );
  }
  let factorial = 1;
  for (let factor = 2; factor <= n; factor++) factorial *= factor;
  return Math.log(factorial) - (n + 0.5) * Math.log(n) + n - 0.5 * Math.log(2 * Math.PI);
}

/** x·ln(x/m) + m − x, without cancellation where x is close to m. */
function deviance(x: number, m: number): number {
  const difference = x - m;
  if (Math.abs(difference) >= 0.1 * (x + m)) return x * Math.log(x / m) + m - x;
  const v = difference / (x + m);
  let sum = difference * v;
  let term = 2 * x * v;
  for (let j = 3; ; j += 2) {
    term *= v * v;
    const next = sum + term / j;
    if (next === sum) return sum;
    sum = next;
  }
}
