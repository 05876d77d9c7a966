// Joins arrays into one: the pixels of a batch, or the cuts of batches that share an engine call.

/** The result has its own buffer, so it can be transferred. @param Values for example Uint8Array */
export function concatenate<Values extends Uint8Array | Float32Array>(
  Values: new (length: number) => Values,
  parts: readonly Values[],
): Values {
  const whole = new Values(parts.reduce((size, part) => size + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
