// GET /metrics, in the Prometheus text format or, where the client prefers it, OpenMetrics; compressed on request.
import { gzipSync } from 'node:zlib';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { Registry } from 'prom-client';
import Type from 'typebox';
import type { Exemplars } from '../../telemetry/exemplars.js';
import type { Metrics } from '../../telemetry/metrics.js';
import { problemResponses } from '../problems.js';

const OPEN_METRICS = 'application/openmetrics-text';

/** In `accept-encoding`, unless refused by a weight of 0. */
const GZIP = /(^|,)\s*(gzip|\*)\s*(;\s*q=(?!0(\.0*)?\s*(,|$))|,|$)/i;

export const metricsRoutes = fp<{ metrics: Metrics; exemplars?: Exemplars | undefined }>(
  async (app: FastifyInstance, { metrics, exemplars }) => {
    const { registry } = metrics;
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
                ['text/plain', OPEN_METRICS].map((type) => [
                  type,
                  { schema: Type.String({ examples: ['rdi_in_flight 3\n'] }) },
                ]),
              ),
            },
            ...problemResponses('unauthorized'),
          },
        },
      },
      async (request, reply) => {
        const text = await registry.metrics();
        const open = request.headers.accept?.includes(OPEN_METRICS) ?? false;
        reply.type(open ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE);
        const shown = open ? toOpenMetrics(exemplars?.addTo(text) ?? text) : text;
        reply.header('vary', 'accept, accept-encoding');
        if (!GZIP.test(request.headers['accept-encoding'] ?? '')) return shown;
        reply.header('content-encoding', 'gzip');
        // Not in the thread pool: there it would wait for images that are being decoded. It takes about a millisecond.
        return gzipSync(shown, { level: 1 });
      },
    );
  },
  { name: 'metrics' },
);

/**
 * Converts the Prometheus text to OpenMetrics: there a counter's family name has no `_total`, and the end is marked.
 * (prom-client can write OpenMetrics itself, but then renames its counters permanently.)
 */
function toOpenMetrics(text: string): string {
  const counters = new Set([...text.matchAll(/^# TYPE (\S+)_total counter$/gm)].map(([, family]) => family));
  const families = text.replace(/^# (HELP|TYPE) (\S+)_total /gm, (line, keyword, family) =>
    counters.has(family) ? `# ${keyword} ${family} ` : line,
  );
  return `${families.replaceAll('\n\n', '\n')}# EOF\n`;
}
