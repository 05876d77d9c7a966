// The OpenAPI 3.1 document, generated from the schemas of the routes, at /openapi.json; Swagger UI at /docs.
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';

/** Swagger UI; it needs no API key. */
async function documentation(app: FastifyInstance): Promise<void> {
  app.addHook('onRoute', (route) => {
    route.schema = { ...route.schema, security: [] };
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
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
export const openapi = fp<{ version: string; docs: boolean }>(
  async (app: FastifyInstance, { version, docs }) => {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'rdi-serve',
          version,
          description:
            'Inference for multi-exit image classifiers. Every image stops at the first exit that is sure enough; ' +
            'the answer says which exit that was and how many FLOPs were executed.',
          license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
        },
        components: {
          securitySchemes: {
            apiKey: {
              type: 'http',
              scheme: 'bearer',
              description: 'Needed only where the server has been given API keys.',
            },
          },
        },
        security: [{}, { apiKey: [] }],
        tags: [
          { name: 'classification', description: 'Images in, predictions out.' },
          { name: 'models', description: 'What is served.' },
          { name: 'operations', description: 'For probes and monitoring.' },
        ],
      },
      refResolver: {
        buildLocalReference: (json, _baseUri, _fragment, index) => String(json['$id'] ?? `schema-${index}`),
      },
    });
    if (docs) await app.register(documentation);

    app.get('/openapi.json', { schema: { hide: true, security: [] } }, async () => app.swagger());
  },
  { name: 'openapi' },
);
