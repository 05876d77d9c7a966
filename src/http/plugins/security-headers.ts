// Security headers for browsers on every answer: no content sniffing, no framing, no scripts. The documentation has its
// own policy, see routes/openapi.ts. Other origins may call the server only if they are configured (CORS).
import cors from '@fastify/cors';
import fp from 'fastify-plugin';

export const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};

export const securityHeaders = fp<{ corsOrigins: string }>(
  async (app, { corsOrigins }) => {
    app.addHook('onRequest', (_request, reply, done) => {
      reply.headers(SECURITY_HEADERS);
      done();
    });
    if (corsOrigins === '') return;
    const origins = corsOrigins.split(',').map((origin) => origin.trim().replace(/\/$/, ''));
    await app.register(cors, {
      origin: origins.includes('*') ? '*' : origins,
      methods: ['GET', 'POST'],
      allowedHeaders: ['authorization', 'content-type', 'x-request-id', 'traceparent', 'tracestate'],
      exposedHeaders: [
        'x-request-id',
        'x-exit-index',
        'x-flops',
        'server-timing',
        'retry-after',
        'ratelimit',
        'ratelimit-policy',
      ],
      maxAge: 600,
    });
  },
  { name: 'security-headers' },
);
