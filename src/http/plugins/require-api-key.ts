// If API keys are configured, a request without a valid key is answered with 401 before the body is read.
// Only operations whose schema has `security: []` need no key.
import type { IncomingHttpHeaders } from 'node:http';
import fp from 'fastify-plugin';
import { Failure } from '../../foundation/errors.js';
import type { ApiKeys } from './api-keys.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Name of the client that owns the API key; undefined if no keys are configured or the operation needs none. */
    client: string | undefined;
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
      done(new Failure('unauthorized', 'Send a valid API key: Authorization: Bearer <key>.'));
    });
  },
  { name: 'require-api-key' },
);

/** The client that owns the request's API key; undefined: there is no key, or it is unknown. */
export function ownerOf(headers: IncomingHttpHeaders, apiKeys: ApiKeys): string | undefined {
  const [, key] = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? [];
  return key === undefined ? undefined : apiKeys.ownerOf(key);
}
