// How requests are validated: unknown query keys are refused, not dropped, and text becomes numbers where the
// schema says number. An image body is left to the decoder; its schema is there for generated clients.
import { Ajv } from 'ajv';
import type { FastifySchemaCompiler } from 'fastify';
import type Type from 'typebox';

export function createValidatorCompiler(): FastifySchemaCompiler<Type.TSchema & { format?: string }> {
  const query = new Ajv({
    coerceTypes: 'array',
    useDefaults: true,
    removeAdditional: false,
    strictTypes: false,
  });
  const body = new Ajv({ coerceTypes: false, removeAdditional: false, strictTypes: false });
  return ({ schema, httpPart }) => {
    if (httpPart !== 'body') return query.compile(schema);
    return schema.format === 'binary' ? () => true : body.compile(schema);
  };
}
