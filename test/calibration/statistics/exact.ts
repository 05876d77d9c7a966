// Binomial probabilities as exact fractions of BigInts: slow, and independent of the code under test.

/** Numerator and denominator. */
export type Fraction = readonly [bigint, bigint];

/** C(n, i) pⁱ (1 − p)ⁿ⁻ⁱ for i = 0 … last, over one denominator; p = part / whole. */
export function exactBinomialTerms(n: number, part: number, whole: number, last: number) {
  const [hit, miss] = [BigInt(part), BigInt(whole - part)];
  const terms = [miss ** BigInt(n)];
  for (let i = 0; i < last; i++) {
    terms.push(((terms[i] as bigint) * BigInt(n - i) * hit) / (BigInt(i + 1) * miss));
  }
  return { terms, denominator: BigInt(whole) ** BigInt(n) };
}

export function exactBinomialCdf(k: number, n: number, part: number, whole: number): Fraction {
  const { terms, denominator } = exactBinomialTerms(n, part, whole, k);
  return [terms.reduce((sum, term) => sum + term, 0n), denominator];
}

/** exp(−n·h(k/n, p)) = (np/k)^k · ((n − np)/(n − k))^(n − k), for k below np; p = part / whole. */
export function exactHoeffding(k: number, n: number, part: number, whole: number): Fraction {
  const power = (base: number, exponent: number) => BigInt(base) ** BigInt(exponent);
  return [
    power(n * part, k) * power(n * (whole - part), n - k),
    power(k, k) * power(n - k, n - k) * power(whole, n),
  ];
}

/** With the precision of a double, however small. */
export function toNumber([numerator, denominator]: Fraction): number {
  const shift = BigInt(Math.max(0, bits(denominator) - bits(numerator) + 64));
  return Number((numerator << shift) / denominator) * 2 ** -Number(shift);
}

function bits(value: bigint): number {
  return value.toString(16).length * 4;
}
