// Reads class names from a file: one per line, in columns, or as JSON.
import { UsageError } from '../../foundation/errors.js';

/** An index, optionally a WordNet identifier, and a name, separated by tabs, commas, semicolons, colons or spaces. */
const INDEXED = /^(\d+)[\t,;: ]+(?:[nv]\d{8}[\t,;: ]+)?(.+)$/;
const IDENTIFIED = /^[nv]\d{8}[\t,;: ]+(.+)$/;

/** Titles of columns. */
const INDEX_COLUMN = /^(index|idx|#|class_?index|class_?id|label_?id)$/i;
const NAME_COLUMN = /^(name|names|label|labels|class|class_?name|display_?name)$/i;

/** @returns the names in the order of the logits. @throws UsageError if the indices are not 0, 1, 2 and so on */
export function readLabels(file: string, text: string): string[] {
  const plain = text.replace(/^\uFEFF/, '');
  if (/^\s*[[{]/.test(plain)) return fromJson(file, plain);
  const filled = plain
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const columns = columnsOf(filled[0] ?? '');
  if (columns) return fromColumns(file, filled.slice(1), columns);
  const rows = /^(index|idx|#|id)\b/i.test(filled[0] ?? '') ? filled.slice(1) : filled;
  const indexed = rows.map((line) => INDEXED.exec(line));
  if (indexed.every((match) => match !== null)) {
    return inOrder(
      file,
      indexed.map(([, index, name]) => [Number(index), unquoted(name ?? '')]),
    );
  }
  const identified = rows.map((line) => IDENTIFIED.exec(line)?.[1]);
  return identified.every((name) => name !== undefined) ? identified.map(unquoted) : filled.map(unquoted);
}

/** Adds its index to each name that is there more than once, as two of ImageNet's are: `crane (134)`. */
export function renameRepeated(names: readonly string[]): string[] {
  return names.map((name, index) =>
    names.some((other, at) => at !== index && other.trim() === name.trim())
      ? `${name.trim()} (${index})`
      : name,
  );
}

interface Columns {
  readonly separator: string;
  readonly count: number;
  readonly name: number;
  /** Undefined: the names are in the order of the logits. */
  readonly index: number | undefined;
}

/** Undefined if the line does not consist of titles, one of which is the name's. */
function columnsOf(head: string): Columns | undefined {
  const separator = ['\t', ';', ','].find((one) => head.includes(one));
  if (separator === undefined) return undefined;
  const titles = fieldsOf(head, separator);
  const name = titles.findIndex((title) => NAME_COLUMN.test(title));
  if (name === -1) return undefined;
  const index = titles.findIndex((title) => INDEX_COLUMN.test(title));
  return { separator, count: titles.length, name, index: index === -1 ? undefined : index };
}

function fromColumns(
  file: string,
  rows: readonly string[],
  { separator, count, name, index }: Columns,
): string[] {
  const entries = rows.map((row, place): [number, string] => {
    const fields = fieldsOf(row, separator);
    if (fields.length !== count) {
      throw new UsageError(`${file}: "${row}" has ${fields.length} columns; the first line has ${count}.`);
    }
    const at = index === undefined ? String(place) : (fields[index] ?? '');
    if (!/^\d+$/.test(at))
      throw new UsageError(`${file}: "${row}" has the index "${at}"; it must be a number.`);
    return [Number(at), fields[name] ?? ''];
  });
  return inOrder(file, entries);
}

/** The fields of a line. A field in quotes may contain the separator, and quotes if they are doubled. */
function fieldsOf(line: string, separator: string): string[] {
  const field = new RegExp(
    `(?:^|${separator})\\s*(?:"((?:[^"]|"")*)"\\s*(?=${separator}|$)|([^${separator}]*))`,
    'g',
  );
  return [...line.matchAll(field)].map(
    ([, quoted, plain = '']) => quoted?.replaceAll('""', '"') ?? plain.trim(),
  );
}

function inOrder(file: string, entries: readonly (readonly [number, string])[]): string[] {
  const names = new Map(entries);
  const missing = entries.findIndex((_, index) => !names.has(index));
  if (missing === -1) return entries.map((_, index) => names.get(index) ?? '');
  throw new UsageError(
    `${file} has ${entries.length} lines with indices, but none with the index ${missing}.`,
  );
}

/** A list of names, or names by index: with identifiers as in Keras, or under `id2label` as in Hugging Face's config.json. */
function fromJson(file: string, text: string): string[] {
  const document = parsed(file, text);
  if (Array.isArray(document)) return namesOf(file, document);
  const byIndex: unknown = (document as { id2label?: unknown }).id2label ?? document;
  const entries = Object.entries(byIndex as object);
  if (!entries.every(([index]) => /^\d+$/.test(index))) {
    throw new UsageError(`${file} is JSON, but neither a list of names nor names by index.`);
  }
  const names = namesOf(
    file,
    entries.map(([, name]) => (Array.isArray(name) ? name.at(-1) : name)),
  );
  return inOrder(
    file,
    entries.map(([index], place) => [Number(index), names[place] ?? '']),
  );
}

function namesOf(file: string, names: readonly unknown[]): string[] {
  if (names.every((name) => typeof name === 'string')) return [...names];
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
