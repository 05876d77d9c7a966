// FP16: the 16-bit floating-point numbers of IEEE 754, which Node.js 20 does not know.

/** @param halves the numbers' bits */
export function fromHalfFloats(halves: Uint16Array): Float32Array {
  return Float32Array.from(halves, fromHalfFloat);
}

function fromHalfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24; // subnormal
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
