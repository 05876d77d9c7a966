// Reads a JSON document and checks it against its schema. An error is one sentence that names the file and the place.
import type { Static, TSchema } from 'typebox';
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

/** What is reported of a value that is no object of a union, or another one. */
const ofObjects: ReadonlySet<string> = new Set(['type', 'required', 'additionalProperties']);

function firstProblem(schema: TSchema, document: unknown): string {
  // An unknown key is reported twice: by itself (keyword boolean) and by its parent. The parent's message is clearer.
  const problems = Errors(schema, document).filter((problem) => problem.keyword !== 'boolean');
  const [shallow] = problems;
  // Of a union with objects, the entries of an object say more than the choices beside it.
  const within = problems.find(({ instancePath }) => instancePath.startsWith(`${shallow?.instancePath}/`));
  const first = (shallow?.keyword === 'const' ? within : undefined) ?? shallow;
  if (!first) return 'does not follow its schema';
  const place = first.instancePath === '' ? 'the document' : first.instancePath;
  switch (first.keyword) {
    case 'required':
      return `${place} lacks ${first.params.requiredProperties.join(', ')}`;
    case 'additionalProperties':
      return `${place} has the unknown entry ${first.params.additionalProperties.join(', ')}`;
    case 'const': {
      // A union reports one such problem for each of its choices.
      const choices = problems.flatMap((problem) =>
        problem.keyword === 'const' && problem.instancePath === first.instancePath
          ? [JSON.stringify(problem.params.allowedValue)]
          : [],
      );
      const alsoObject = problems.some(
        ({ keyword, instancePath }) => instancePath === first.instancePath && ofObjects.has(keyword),
      );
      return `${place} must be ${choices.join(' or ')}${alsoObject ? ', or one of its objects' : ''}`;
    }
    case 'enum':
      return `${place} must be ${first.params.allowedValues.map((value) => JSON.stringify(value)).join(' or ')}`;
    default:
      return `${place} ${first.message}`;
  }
}
