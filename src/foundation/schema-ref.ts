// References between schemas that have their own names in the OpenAPI document.
import Type from 'typebox';
import { invariant } from './errors.js';

/** A typed reference to `schema`, which must have an `$id` and be listed in http/schemas.ts. */
export function ref<Schema extends Type.TSchema>(schema: Schema) {
  const { $id } = schema as { $id?: string };
  invariant($id, 'only a schema with an $id can be referred to');
  return Type.Unsafe<Type.Static<Schema>>({ $ref: `${$id}#` });
}
