// Evaluates over HTTP, as a client of a running server.
import type Type from 'typebox';
import { messageOf, UsageError } from '../errors.js';
import type { Model } from '../http/models.js';
import type { Prediction } from '../inference/prediction.js';
import type { ModelName, Subject } from './subject.js';

type ModelDocument = Type.Static<typeof Model>;

/**
 * @param base address of the server, such as http://localhost:8080
 * @param apiKey if the server needs one
 * @throws UsageError if nothing answers there, or it serves no such model
 */
export async function createRemoteSubject(
  base: string,
  { name, version }: ModelName,
  apiKey?: string,
): Promise<Subject> {
  if (!URL.canParse(base)) throw new UsageError(`"${base}" is not the address of a server.`);
  const address = (path: string, query: Record<string, string> = {}): URL => {
    const url = new URL(path, base.endsWith('/') ? base : `${base}/`);
    url.search = new URLSearchParams(query).toString();
    return url;
  };
  const authorization: Record<string, string> =
    apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  const wanted = address(`models/${encodeURIComponent(name)}`, version === undefined ? {} : { version });
  const model = JSON.parse(await answerOf('The model', wanted, { headers: authorization })) as ModelDocument;

  return {
    model: {
      name: model.name,
      version: model.version,
      engine: model.engine,
      classes: model.classes,
      exits: model.exits.map((exit) => exit.name),
      profiles: model.profiles.map((profile) => profile.name),
      defaultProfile: model.defaultProfile,
      fullFlops: model.flops,
      files: undefined,
    },
    async classify({ name: sample, mediaType, bytes }, profile) {
      const query = { model: model.name, version: model.version, profile };
      const headers = { ...authorization, 'content-type': mediaType };
      const url = address('classify', query);
      return JSON.parse(await answerOf(sample, url, { method: 'POST', headers, body: bytes })) as Prediction;
    },
    metrics: () => answerOf('/metrics', address('metrics'), { headers: authorization }),
    async close() {},
  };
}

/** The body of a 200. @throws UsageError that says what was asked for and what came instead */
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
