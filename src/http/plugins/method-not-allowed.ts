// A known address with a method it does not take answers 405 and names those it takes, rather than 404.
import type { FastifyInstance } from 'fastify';
import { Failure } from '../../foundation/errors.js';

/** To be called before the first route. @returns to be called after the last one. */
export function refuseOtherMethods(app: FastifyInstance): () => void {
  const taken = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method, schema }) => {
    if (schema?.hide) return; // the documentation's own
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
        // Before the body is looked at: whatever it is, this is the answer.
        onRequest: async (request, reply) => {
          reply.header('allow', allow);
          throw new Failure('method-not-allowed', `${url} takes ${allow}, not ${request.method}.`);
        },
        handler: async () => {},
      });
    }
  };
}
