// How requests are validated: unknown query keys are refused, not dropped, and decimal text becomes a number where
// the schema says number. An image body is left to the decoder; its schema is there for generated clients.
import { Ajv, type ValidateFunction } from 'ajv';
import type { FastifySchemaCompiler } from 'fastify';
import type Type from 'typebox';

type Schema = Type.TSchema & {
  readonly format?: string;
  readonly properties?: Readonly<Record<string, { readonly type?: unknown }>>;
};

/** @param named the schemas that requests may refer to */
export function createValidatorCompiler(named: readonly Type.TSchema[]): FastifySchemaCompiler<Schema> {
  const ajv = new Ajv({ removeAdditional: false, strictTypes: false, schemas: [...named] });
  return ({ schema, httpPart }) => {
    if (httpPart !== 'body') return readNumbers(schema, ajv.compile(schema));
    return schema.format === 'binary' ? () => true : ajv.compile(schema);
  };
}

const DECIMAL = /^-?\d+(\.\d+)?$/;

/** Ajv's own coercion would take "0x10", " 7 " and, beyond every maximum, "Infinity". */
function readNumbers({ properties = {} }: Schema, validate: ValidateFunction) {
  const numeric = Object.keys(properties).filter((key) =>
    ['number', 'integer'].includes(String(properties[key]?.type)),
  );
  return (values: Record<string, unknown>) => {
    for (const key of numeric) {
      const text = values[key];
      if (typeof text === 'string' && DECIMAL.test(text)) values[key] = Number(text);
    }
    return validate(values) ? true : { error: validate.errors ?? [] };
  };
}
