// Tracing of HTTP requests: one span per request (request-trace.ts). The log has its trace id.
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { Timeline } from '../../serving/timeline.js';
import type { Tracing } from '../../telemetry/tracing.js';
import { startRequestTrace } from './request-trace.js';

/** The trace of one request. */
export interface RequestTrace {
  /** A timeline to fill in for one image of this request; undefined if the request is not sampled. */
  image(): Timeline | undefined;
  /** Writes the spans. Call when the request has ended. */
  end(status: number): void;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** undefined: the request is not traced. */
    trace: RequestTrace | undefined;
  }
}

/** Probes, scrapes and the documentation are not traced. */
function isTraced({ routeOptions: { schema } }: FastifyRequest): boolean {
  return !schema?.hide && !schema?.tags?.includes('operations');
}

export const traceRequests = fp<{ tracing: Tracing }>(
  async (app, { tracing }) => {
    app.addHook('onRequest', (request, _reply, done) => {
      if (isTraced(request)) request.trace = startTrace(tracing, request);
      done();
    });
  },
  { name: 'trace-requests' },
);

function startTrace(tracing: Tracing, request: FastifyRequest): RequestTrace {
  const { method, id, url, headers } = request;
  const route = request.routeOptions.url ?? 'unmatched';
  const [path = ''] = url.split('?', 1);
  const trace = startRequestTrace(tracing, {
    name: `${method} ${route}`,
    headers,
    attributes: {
      'http.request.method': method,
      'http.route': route,
      'url.path': path,
      'url.scheme': 'http',
      'rdi.request_id': id,
    },
  });
  request.log = request.log.child({ traceId: trace.traceId });
  return {
    image: trace.image,
    end: (status) =>
      trace.end({
        attributes: { 'http.response.status_code': status },
        isError: status >= 500,
        counted: { histogram: 'http_request_duration_seconds', labels: { method, route, status } },
      }),
  };
}
