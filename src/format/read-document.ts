// Reads a JSON document and checks it against its schema. An error is one sentence that names the file and the place.
import type { Static, TSchema } from 'typebox';
import type { TLocalizedValidationError } from 'typebox/error';
import { Check, Errors } from 'typebox/value';
import { messageOf, PackageError } from '../foundation/errors.js';

/**
 * @param file name for messages
 * @param format newest `formatVersion` that can be read, for documents that have one
 * @throws PackageError if `bytes` are not JSON or do not follow `schema`
 */
export function readDocument<Schema extends TSchema>(
  file: string,
  bytes: Uint8Array,
  schema: Schema,
  format?: number,
): Static<Schema> {
  const document = parse(file, bytes);
  const version = formatVersionOf(document);
  if (format !== undefined && version !== undefined && version > format) {
    throw new PackageError(
      `${file} has formatVersion ${version}, newer than the ${format} that this rdi-serve reads; upgrade it.`,
    );
  }
  if (!Check(schema, document)) throw new PackageError(`${file}: ${firstProblem(schema, document)}.`);
  return document as Static<Schema>;
}

function parse(file: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch (error) {
    throw new PackageError(`${file} is not JSON: ${messageOf(error)}.`, { cause: error });
  }
}

function formatVersionOf(document: unknown): number | undefined {
  if (typeof document !== 'object' || document === null || !('formatVersion' in document)) return undefined;
  return typeof document.formatVersion === 'number' ? document.formatVersion : undefined;
}

function firstProblem(schema: TSchema, document: unknown): string {
  // An unknown key is reported twice: by itself (keyword boolean) and by its parent. The parent's message is clearer.
  const problems = Errors(schema, document).filter((problem) => problem.keyword !== 'boolean');
  const [shallow] = problems;
  if (!shallow) return 'does not follow its schema';
  const choices = choicesAt(shallow.instancePath, problems);
  // Of a union with objects, what is wrong inside an object says more than the choices beside it.
  const within = problems.find(({ instancePath }) => instancePath.startsWith(`${shallow.instancePath}/`));
  const first = (choices === undefined ? undefined : within) ?? shallow;
  const place = first.instancePath === '' ? 'the document' : first.instancePath;
  if (choices && first === shallow) return `${place} must be ${choices}`;
  switch (first.keyword) {
    case 'required':
      return `${place} lacks ${first.params.requiredProperties.join(', ')}`;
    case 'additionalProperties':
      return `${place} has the unknown entry ${first.params.additionalProperties.join(', ')}`;
    case 'enum':
      return `${place} must be ${first.params.allowedValues.map((value) => JSON.stringify(value)).join(' or ')}`;
    default:
      return `${place} ${first.message}`;
  }
}

/** The choices of a union at this place, if there is one: it reports a problem for each of them. */
function choicesAt(path: string, problems: readonly TLocalizedValidationError[]): string | undefined {
  const here = problems.filter(({ instancePath }) => instancePath === path);
  const values = here.flatMap((problem) =>
    problem.keyword === 'const' ? [JSON.stringify(problem.params.allowedValue)] : [],
  );
  if (values.length === 0) return undefined;
  const hasObjects = here.some(
    (problem) =>
      problem.keyword === 'required' || (problem.keyword === 'type' && problem.params.type === 'object'),
  );
  return values.join(' or ') + (hasObjects ? ', or one of its objects' : '');
}
