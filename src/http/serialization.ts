// Serializes answers. Most answers of most routes are of few schemas, above all the problem document: each schema is
// compiled once, not once for every route and status, which took most of the time that the application needs to start.
import fastJsonStringify from 'fast-json-stringify';
import type Type from 'typebox';

/** @param named the schemas to which other schemas may refer */
export function createSerializerCompiler(named: readonly Type.TSchema[]) {
  const external = Object.fromEntries(named.map((schema) => [(schema as { $id?: string }).$id, schema]));
  const serializers = new Map<string, (value: unknown) => string>();
  return ({ schema }: { readonly schema: object }) => {
    const key = JSON.stringify(schema);
    const serializer = serializers.get(key) ?? fastJsonStringify(schema, { schema: external });
    serializers.set(key, serializer);
    return serializer;
  };
}
