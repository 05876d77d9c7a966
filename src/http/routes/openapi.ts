// The OpenAPI 3.1 document, generated from the schemas of the routes, at /openapi.json; Swagger UI at /docs.
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { PrivacyMode } from '../../config/settings.js';
import { examplesOf } from './examples.js';
import { forClients } from './for-clients.js';

const TITLE = 'rdi-serve';
const PREFIX_HEADER = 'x-forwarded-prefix';

/** In the document that clients are generated from: the address that `npm start` serves. */
const LOCAL = { url: 'http://localhost:8080', description: 'A server on this machine' };
/** In a document that a server serves. */
const here = (url: string) => ({ servers: [{ url, description: 'The server that serves this document' }] });

const apiKey = {
  type: 'http',
  scheme: 'bearer',
  description: 'Needed only where the server has been given API keys.',
} as const;

/** Swagger UI; it needs no API key. */
async function documentation(app: FastifyInstance): Promise<void> {
  app.addHook('onRoute', (route) => {
    route.schema = { ...route.schema, security: [] };
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    theme: { title: TITLE },
    uiHooks: {
      // The page refers to its files relatively, so it works behind any path prefix, but only with a slash at its end.
      onRequest: (request, reply, done) => {
        if (/^[^?]*\/docs($|\?)/.test(request.url)) void reply.redirect('docs/');
        else done();
      },
    },
    transformSpecificationClone: false,
    transformSpecification: (document) => ({ ...document, ...here('../') }), // relative to /docs/json,
    logLevel: 'warn',
    staticCSP: contentSecurityPolicy,
    uiConfig: { displayRequestDuration: true, tryItOutEnabled: true },
  });
}

/** Only files of this server. Swagger UI also needs inline styles and icons from data URLs. */
const contentSecurityPolicy = {
  'default-src': "'self'",
  'img-src': "'self' data: blob:",
  'style-src': "'self' 'unsafe-inline'",
  'object-src': "'none'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
};

/** Register before the routes that it describes. */
export const openapi = fp<{ version: string; docs: boolean; hasApiKeys: boolean; privacy: PrivacyMode }>(
  async (app: FastifyInstance, { version, docs, hasApiKeys, privacy }) => {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title: TITLE,
          version,
          description:
            'Inference for multi-exit image classifiers. Every image stops at the first exit that is sure enough; ' +
            'the answer says which exit that was and how many FLOPs were executed.',
          license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
        },
        servers: [LOCAL],
        // Without keys, Swagger UI would show padlocks that lock nothing.
        ...(hasApiKeys && { components: { securitySchemes: { apiKey } }, security: [{}, { apiKey: [] }] }),
        tags: [
          { name: 'classification', description: 'Images in, predictions out.' },
          { name: 'models', description: 'What is served.' },
          {
            name: 'inference protocol',
            description: 'The Open Inference Protocol (v2) of KServe and Triton.',
          },
          { name: 'operations', description: 'For probes and monitoring.' },
        ],
      },
      transformObject: (made) =>
        'openapiObject' in made
          ? withExamples(forClients(made.openapiObject), examplesOf(privacy))
          : made.swaggerObject,
      refResolver: {
        buildLocalReference: (json, _baseUri, _fragment, index) => String(json['$id'] ?? `schema-${index}`),
      },
    });
    if (docs) await app.register(documentation);

    app.get('/openapi.json', { schema: { hide: true, security: [] } }, async (request, reply) => {
      reply.header('vary', PREFIX_HEADER);
      return { ...app.swagger(), ...here(prefixOf(request)) };
    });
  },
  { name: 'openapi' },
);

/** The path prefix that a proxy has removed and says so, as Traefik does; else the root. */
function prefixOf({ headers }: FastifyRequest): string {
  const given = headers[PREFIX_HEADER];
  return typeof given === 'string' && /^(\/[\w.~-]+)+\/?$/.test(given) ? given : '/';
}

function withExamples<Document extends { components?: { schemas?: Record<string, object> } }>(
  document: Document,
  examples: Readonly<Record<string, unknown>>,
): Document {
  for (const [name, schema] of Object.entries(document.components?.schemas ?? {})) {
    const example = examples[name];
    if (example !== undefined) Object.assign(schema, { examples: [example] });
  }
  return document;
}
