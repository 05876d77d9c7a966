// How one schema refers to another that has a name of its own in the OpenAPI document.
import Type from 'typebox';
import { invariant } from './errors.js';

/** A reference to `schema`, with its type. It must have an `$id` and be among http/schemas.ts. */
export function ref<Schema extends Type.TSchema>(schema: Schema) {
  const { $id } = schema as { $id?: string };
  invariant($id, 'only a schema with an $id can be referred to');
  return Type.Unsafe<Type.Static<Schema>>({ $ref: `${$id}#` });
}
