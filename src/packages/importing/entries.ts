// Entries of JSON documents of other tools, which no schema has checked.
import { UsageError } from '../../foundation/errors.js';

/** A JSON object whose entries nobody has checked. */
export type Entries = Readonly<Record<string, unknown>>;

export function isEntries(value: unknown): value is Entries {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws UsageError if the entry is not a number. */
export function numberAt(entries: Entries, key: string): number {
  const value = entries[key];
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new UsageError(`"${key}" is ${shown(value)}, but must be a number.`);
}

/** @throws UsageError if the entry is not a list of numbers. */
export function numbersAt(entries: Entries, key: string): number[] {
  const value = entries[key];
  if (Array.isArray(value) && value.every((one) => typeof one === 'number')) return value;
  throw new UsageError(`"${key}" is ${shown(value)}, but must be a list of numbers.`);
}

/** A value in a message. */
export function shown(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value);
}
