// Validates requests: unknown query keys are refused, not dropped, and decimal text becomes a number if the schema
// requires one. Image bodies are checked by the decoder; their schema is only for generated clients.
import { Ajv, type ValidateFunction } from 'ajv';
import type { FastifySchemaCompiler } from 'fastify';
import type Type from 'typebox';

type Schema = Type.TSchema & {
  readonly format?: string;
  readonly properties?: Readonly<Record<string, object>>;
};

/** For generated clients only; JavaScript has one type of number. */
const formats = { int64: true } as const;

/** @param named the schemas to which other schemas may refer */
export function createValidatorCompiler(named: readonly Type.TSchema[]): FastifySchemaCompiler<Schema> {
  const ajv = new Ajv({ removeAdditional: false, strictTypes: false, formats, schemas: [...named] });
  return ({ schema, httpPart }) => {
    if (httpPart !== 'body') return readNumbers(schema, ajv.compile(schema));
    return schema.format === 'binary' ? () => true : ajv.compile(schema);
  };
}

/** @returns a function that replaces decimal texts by numbers, and says whether the query parameters are valid */
export function createQueryCheck(schema: Schema): (values: Record<string, unknown>) => boolean {
  const validate = readNumbers(schema, new Ajv({ strictTypes: false, formats }).compile(schema));
  return (values) => validate(values) === true;
}

/** @param named the schemas to which `schema` refers. @returns a function that says what is wrong; undefined: nothing */
export function createBodyCheck(
  schema: Type.TSchema,
  named: readonly Type.TSchema[],
): (body: unknown) => string | undefined {
  const ajv = new Ajv({ strictTypes: false, formats, schemas: [...named] });
  const validate = ajv.compile(schema);
  return (body) => {
    if (validate(body)) return undefined;
    const [error] = validate.errors ?? [];
    return `${error?.instancePath.slice(1) || 'the body'} ${error?.message}`;
  };
}

const DECIMAL = /^-?\d+(\.\d+)?$/;

/** Ajv's own coercion is not used: it accepts "0x10", " 7 " and even "Infinity", which passes every maximum. */
function readNumbers({ properties = {} }: Schema, validate: ValidateFunction) {
  const numeric = Object.keys(properties).filter((key) => {
    const property: { readonly type?: unknown } | undefined = properties[key];
    return property?.type === 'number' || property?.type === 'integer';
  });
  return (values: Record<string, unknown>) => {
    for (const key of numeric) {
      const text = values[key];
      if (typeof text === 'string' && DECIMAL.test(text)) values[key] = Number(text);
    }
    return validate(values) ? true : { error: validate.errors ?? [] };
  };
}
