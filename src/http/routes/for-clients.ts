// What the OpenAPI document tells generators of clients beyond the schemas that the server works with.

type Node = Readonly<Record<string, unknown>>;
interface Document {
  readonly paths?: object;
  readonly components?: { readonly schemas?: Readonly<Record<string, object>> };
}

/**
 * @returns a copy in which every number has the format `double`, because generators otherwise choose 32 bits (Go) or a
 * decimal type (Java), and in which only request bodies are closed, because strict clients refuse unknown properties,
 * and later releases may add some to answers
 */
export function forClients<Given extends Document>(document: Given): Given {
  const requested = new Set(referencesIn(bodiesOf(document.paths ?? {})));
  const schemas = Object.entries(document.components?.schemas ?? {}).map(([name, schema]) => [
    name,
    rewrite(
      schema,
      requested.has(`#/components/schemas/${name}`) ? withDouble : (node) => open(withDouble(node)),
    ),
  ]);
  return {
    ...document,
    paths: rewrite(document.paths, withDouble),
    ...(document.components && {
      components: { ...document.components, schemas: Object.fromEntries(schemas) },
    }),
  };
}

function withDouble(node: Node): Node {
  return [node['type']].flat().includes('number') ? { ...node, format: 'double' } : node;
}

function open(node: Node): Node {
  const { additionalProperties, ...rest } = node;
  return additionalProperties === false ? rest : node;
}

function rewrite(value: unknown, change: (node: Node) => Node): unknown {
  if (Array.isArray(value)) return value.map((one) => rewrite(one, change));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, one]) => [key, rewrite(one, change)]);
  return change(Object.fromEntries(entries));
}

function bodiesOf(paths: object): unknown[] {
  return Object.values(paths).flatMap((path) =>
    Object.values(path as Node).map((one) => (one as Node)['requestBody']),
  );
}

function referencesIn(value: unknown): string[] {
  return [...JSON.stringify(value).matchAll(/"\$ref":"([^"]+)"/g)].map(([, name = '']) => name);
}
