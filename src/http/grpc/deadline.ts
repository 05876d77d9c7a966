// The deadline of a call, as the header grpc-timeout says it: a number of at most 8 digits and a unit.
import { Failure } from '../../foundation/errors.js';

const MILLISECONDS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};
/** Longer timers would fire at once. */
const LONGEST = 2 ** 31 - 1;

/** @returns milliseconds; undefined: no deadline. @throws Failure `malformed-request` */
export function timeoutOf(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  const [, digits, unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(String(header)) ?? [];
  if (digits === undefined) {
    throw new Failure(
      'malformed-request',
      `grpc-timeout is ${JSON.stringify(String(header).slice(0, 32))}; it must be at most 8 digits and one of H, M, S, m, u, n.`,
    );
  }
  return Math.min(Number(digits) * (MILLISECONDS[unit] ?? 1), LONGEST);
}
