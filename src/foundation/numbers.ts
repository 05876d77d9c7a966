// Parsers of numbers on the command line.
import { InvalidArgumentError } from 'commander';

export function positiveInteger(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) {
    throw new InvalidArgumentError('It must be a whole number from 1.');
  }
  return number;
}

export function positiveNumber(text: string): number {
  const number = Number(text);
  if (!Number.isFinite(number) || number <= 0) throw new InvalidArgumentError('It must be a number above 0.');
  return number;
}

export function integer(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || text.trim() === '')
    throw new InvalidArgumentError('It must be a whole number.');
  return number;
}

/** A number in (0, 1), both ends excluded. */
export function properShare(text: string): number {
  const number = Number(text);
  if (!(number > 0 && number < 1))
    throw new InvalidArgumentError('It must be a number between 0 and 1, such as 0.01.');
  return number;
}

/** For an option that takes several of them. */
export function properShares(text: string, all: readonly number[] = []): number[] {
  return [...all, properShare(text)];
}
