// Answers 405 instead of 404 if an address exists but does not support the method. `allow` lists the supported methods.
import { METHODS } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { Failure } from '../../foundation/errors.js';

/** Call before the first route is registered. @returns a function to call after the last one */
export function refuseOtherMethods(app: FastifyInstance): () => void {
  // By default Fastify knows only some methods, and answers 404 to PROPFIND.
  for (const method of METHODS) {
    if (!app.supportedMethods.includes(method)) app.addHttpMethod(method, { hasBody: true });
  }
  const taken = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method, schema }) => {
    if (schema?.hide) return; // routes of the documentation
    const methods = taken.get(url) ?? new Set();
    for (const one of [method].flat()) methods.add(one.toUpperCase());
    taken.set(url, methods);
  });
  return () => {
    for (const [url, methods] of [...taken]) {
      const allow = [...methods].sort().join(', ');
      app.route({
        method: app.supportedMethods.filter((method) => !methods.has(method)),
        url,
        schema: { hide: true },
        // Refuse before the body is read: the answer does not depend on it.
        onRequest: async (request, reply) => {
          reply.header('allow', allow);
          throw new Failure('method-not-allowed', `${url} takes ${allow}, not ${request.method}.`);
        },
        handler: async () => {},
      });
    }
  };
}
