// Where API keys are set: who presents none is answered 401 before anything else is looked at, the body included.
// Only operations whose schema says `security: []` are open.
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { Failure } from '../../foundation/errors.js';
import type { ApiKeys } from './api-keys.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose API key it came with; undefined where no keys are set or none is needed. */
    client: string | undefined;
  }
}

/** To be registered before the hooks that look at a request's content. */
export const requireApiKey = fp<{ apiKeys: ApiKeys | undefined }>(
  async (app, { apiKeys }) => {
    app.decorateRequest('client', undefined);
    if (!apiKeys) return;
    app.addHook('onRequest', (request, reply, done) => {
      if (request.routeOptions.schema?.security?.length === 0) return done();
      request.client = ownerOf(request, apiKeys);
      if (request.client !== undefined) return done();
      reply.header('www-authenticate', 'Bearer realm="rdi-serve"');
      done(new Failure('unauthorized', 'Send a valid API key: Authorization: Bearer <key>.'));
    });
  },
  { name: 'require-api-key' },
);

function ownerOf({ headers }: FastifyRequest, apiKeys: ApiKeys): string | undefined {
  const [, key] = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? [];
  return key === undefined ? undefined : apiKeys.ownerOf(key);
}
