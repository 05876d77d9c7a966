// GET /metrics, in the Prometheus text format or, where the client prefers it, OpenMetrics.
// Also times every HTTP request.
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { Registry } from 'prom-client';
import Type from 'typebox';
import type { Metrics } from '../telemetry/metrics.js';

const OPEN_METRICS = 'application/openmetrics-text';

export const metricsRoutes = fp<{ metrics: Metrics }>(
  async (app: FastifyInstance, { metrics }) => {
    const { registry, httpSeconds } = metrics;

    app.addHook('onResponse', async (request, reply) => {
      const { method, routeOptions } = request;
      const route = routeOptions.url ?? 'unmatched';
      httpSeconds.observe({ method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
    });

    app.get(
      '/metrics',
      {
        schema: {
          operationId: 'getMetrics',
          summary: 'Metrics for Prometheus',
          tags: ['operations'],
          response: {
            200: {
              description: 'The Prometheus text format, or OpenMetrics if the Accept header asks for it.',
              content: Object.fromEntries(
                ['text/plain', OPEN_METRICS].map((type) => [type, { schema: Type.String() }]),
              ),
            },
          },
        },
      },
      async (request, reply) => {
        // The format is a property of the registry, read before the first metric is collected.
        const open = request.headers.accept?.includes(OPEN_METRICS) ?? false;
        registry.setContentType(open ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE);
        reply.type(registry.contentType);
        return registry.metrics();
      },
    );
  },
  { name: 'metrics' },
);
