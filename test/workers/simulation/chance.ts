// The random numbers of a simulated schedule, from one seed.
import { createUniform } from '../../../src/foundation/random.js';

export interface Chance {
  /** Uniform in [from, to). */
  between(from: number, to: number): number;
  /** A whole number from `from` to `to`, both included. */
  whole(from: number, to: number): number;
  /** True with this probability. */
  happens(probability: number): boolean;
  oneOf<Value>(values: readonly [Value, ...Value[]]): Value;
}

export function createChance(seed: number): Chance {
  const uniform = createUniform(seed);
  const between = (from: number, to: number): number => from + (to - from) * uniform();
  const whole = (from: number, to: number): number => Math.floor(between(from, to + 1));
  return {
    between,
    whole,
    happens: (probability) => uniform() < probability,
    oneOf: (values) => values[whole(0, values.length - 1)] ?? values[0],
  };
}
