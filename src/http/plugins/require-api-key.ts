// If API keys are configured, a request without a valid key is answered with 401 before the body is read.
// Only operations whose schema has `security: []` need no key.
import type { IncomingHttpHeaders } from 'node:http';
import fp from 'fastify-plugin';
import type { ApiKeys } from '../../access/api-keys.js';
import type { Client } from '../../access/client.js';
import { Failure } from '../../foundation/errors.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The owner of the API key; undefined if no keys are configured or the operation needs none. */
    client: Client | undefined;
  }
}

/** Register before the hooks that read a request's content. */
export const requireApiKey = fp<{ apiKeys: ApiKeys | undefined }>(
  async (app, { apiKeys }) => {
    app.decorateRequest('client', undefined);
    if (!apiKeys) return;
    app.addHook('onRequest', (request, reply, done) => {
      if (request.routeOptions.schema?.security?.length === 0) return done();
      request.client = ownerOf(request.headers, apiKeys);
      if (request.client !== undefined) return done();
      reply.header('www-authenticate', 'Bearer realm="rdi-serve"');
      done(noValidKey());
    });
  },
  { name: 'require-api-key' },
);

/** The client that owns the request's API key; undefined: there is no key, or it is unknown. */
export function ownerOf(headers: IncomingHttpHeaders, apiKeys: ApiKeys): Client | undefined {
  const [, key] = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? [];
  return key === undefined ? undefined : apiKeys.ownerOf(key);
}

/** The same. @throws Failure `unauthorized` if there is none */
export function knownClient(headers: IncomingHttpHeaders, apiKeys: ApiKeys): Client {
  const owner = ownerOf(headers, apiKeys);
  if (owner === undefined) throw noValidKey();
  return owner;
}

function noValidKey(): Failure {
  return new Failure('unauthorized', 'Send a valid API key: Authorization: Bearer <key>.');
}
