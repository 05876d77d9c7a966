// Reads class names from a file: one per line, optionally after an index or an identifier, or as a JSON list.
import { UsageError } from '../../foundation/errors.js';

/** An index, optionally a WordNet identifier, and a name, separated by tabs, commas, semicolons, colons or spaces. */
const INDEXED = /^(\d+)[\t,;: ]+(?:[nv]\d{8}[\t,;: ]+)?(.+)$/;
const IDENTIFIED = /^[nv]\d{8}[\t,;: ]+(.+)$/;

/** @returns the names in the order of the logits. @throws UsageError if the indices are not 0, 1, 2 and so on */
export function readLabels(file: string, text: string): string[] {
  if (text.trimStart().startsWith('[')) return fromJson(file, text);
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const filled = lines.filter((line) => line !== '');
  const rows = /^(index|idx|#|id)\b/i.test(filled[0] ?? '') ? filled.slice(1) : filled;
  const indexed = rows.map((line) => INDEXED.exec(line));
  if (indexed.every((match) => match !== null)) {
    const names = new Map(indexed.map(([, index, name]) => [Number(index), unquoted(name ?? '')]));
    const missing = indexed.findIndex((_, index) => !names.has(index));
    if (missing === -1) return indexed.map((_, index) => names.get(index) ?? '');
    throw new UsageError(
      `${file} has ${rows.length} lines with indices, but none with the index ${missing}.`,
    );
  }
  const identified = rows.map((line) => IDENTIFIED.exec(line)?.[1]);
  return identified.every((name) => name !== undefined) ? identified.map(unquoted) : filled.map(unquoted);
}

function fromJson(file: string, text: string): string[] {
  const names: unknown = parsed(file, text);
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return names;
  throw new UsageError(`${file} is JSON, but not a list of names.`);
}

function parsed(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${file} starts with "[" like a JSON list, but is not valid JSON.`, {
      cause: error,
    });
  }
}

function unquoted(name: string): string {
  return /^".*"$/.test(name.trim()) ? name.trim().slice(1, -1) : name.trim();
}
