// Evaluates over HTTP, as a client of a running server.
import Type from 'typebox';
import { Check } from 'typebox/value';
import { messageOf, UsageError } from '../foundation/errors.js';
import { Answered, type ModelName, type Subject } from './subject.js';

const Named = Type.Object({ name: Type.String() });

/** The parts of a model's description that are used; a server of another version may send more. */
const ModelDocument = Type.Object({
  name: Type.String(),
  version: Type.String(),
  engine: Type.Object({ name: Type.String(), device: Type.String() }),
  classes: Type.Array(Type.String()),
  flops: Type.Number(),
  exits: Type.Array(Named),
  defaultProfile: Type.String(),
  profiles: Type.Array(
    Type.Object({
      name: Type.String(),
      certificate: Type.Optional(
        Type.Object({
          valid: Type.Boolean(),
          certificate: Type.Object({ flops: Type.Object({ mean: Type.Number() }) }),
        }),
      ),
    }),
  ),
});

/**
 * @param base address of the server, such as http://localhost:8080
 * @param apiKey if the server needs one
 * @throws UsageError if the server does not answer, or does not serve the model
 */
export async function createRemoteSubject(
  base: string,
  { name, version }: ModelName,
  apiKey?: string,
): Promise<Subject> {
  if (!/^https?:\/\//i.test(base) || !URL.canParse(base)) {
    throw new UsageError(`"${base}" is not the address of a server, such as http://localhost:8080.`);
  }
  // Checked before any request, because error messages of requests would show the password and the key.
  const { username, password } = new URL(base);
  if (username !== '' || password !== '') {
    throw new UsageError('The address of the server must not have a user name or a password in it.');
  }
  if (apiKey !== undefined && !/^[!-~]*$/.test(apiKey)) {
    throw new UsageError('The API key is not valid: it has spaces, line breaks or non-ASCII characters.');
  }
  const address = (path: string, query: Record<string, string> = {}): URL => {
    const url = new URL(path, base.endsWith('/') ? base : `${base}/`);
    url.search = new URLSearchParams(query).toString();
    return url;
  };
  const authorization: Record<string, string> =
    apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  const wanted = address(`models/${encodeURIComponent(name)}`, version === undefined ? {} : { version });
  const model = await documentOf('The model', wanted, { headers: authorization }, ModelDocument);

  return {
    model: {
      name: model.name,
      version: model.version,
      engine: model.engine,
      classes: model.classes,
      exits: model.exits.map((exit) => exit.name),
      profiles: model.profiles.map((profile) => profile.name),
      certifiedFlops: new Map(
        model.profiles.flatMap(({ name: profile, certificate }) =>
          certificate?.valid ? [[profile, certificate.certificate.flops.mean] as const] : [],
        ),
      ),
      defaultProfile: model.defaultProfile,
      fullFlops: model.flops,
      files: undefined,
    },
    async classify({ name: sample, mediaType, bytes }, profile) {
      const query = { model: model.name, version: model.version, profile };
      const headers = { ...authorization, 'content-type': mediaType };
      const url = address('classify', query);
      return documentOf(sample, url, { method: 'POST', headers, body: bytes }, Answered);
    },
    metrics: () => answerOf('/metrics', address('metrics'), { headers: authorization }),
    async close() {},
  };
}

/** Parses the body of a 200. @throws UsageError also if it does not follow `schema` */
async function documentOf<Schema extends Type.TSchema>(
  what: string,
  url: URL,
  init: RequestInit,
  schema: Schema,
): Promise<Type.Static<Schema>> {
  const body = await answerOf(what, url, init);
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    document = undefined;
  }
  if (Check(schema, document)) return document as Type.Static<Schema>;
  throw new UsageError(`${what}: ${url.origin} does not answer as rdi-serve does.`);
}

/** The body of a 200. @throws UsageError for any other outcome; it names the request and the answer */
async function answerOf(what: string, url: URL, init: RequestInit): Promise<string> {
  let response: Response;
  let body: string;
  try {
    response = await fetch(url, init);
    body = await response.text();
  } catch (error) {
    const cause = error instanceof Error && error.cause ? error.cause : error;
    throw new UsageError(`${url.origin} does not answer: ${messageOf(cause)}.`, { cause: error });
  }
  if (!response.ok) throw new UsageError(`${what}: ${url.origin} answered ${response.status}, ${body}`);
  return body;
}
