// Tracing of HTTP requests: one span per request, as a child of the caller's span (W3C Trace Context). The log has its
// trace id. Spans of images (image-spans.ts) are written when the request has ended, from recorded times.
import {
  type Context,
  defaultTextMapGetter,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { monotonicSeconds } from '../../foundation/clock.js';
import { createTimeline, type Timeline } from '../../serving/timeline.js';
import type { Tracing } from '../../telemetry/tracing.js';
import { writeImageSpans } from './image-spans.js';

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

const propagator = new W3CTraceContextPropagator();

/** Probes, scrapes and the documentation are not traced. */
function isTraced({ routeOptions: { schema } }: FastifyRequest): boolean {
  return !schema?.hide && !schema?.tags?.includes('operations');
}

export const traceRequests = fp<{ tracing: Tracing }>(
  async (app, { tracing }) => {
    app.addHook('onRequest', (request, _reply, done) => {
      if (isTraced(request)) {
        const parent = propagator.extract(ROOT_CONTEXT, request.headers, defaultTextMapGetter);
        request.trace = startTrace(tracing, parent, request);
      }
      done();
    });
  },
  { name: 'trace-requests' },
);

function startTrace({ tracer, exemplars }: Tracing, parent: Context, request: FastifyRequest): RequestTrace {
  const { method, id, url } = request;
  const started = monotonicSeconds();
  const origin = Date.now() - started * 1000;
  const toEpoch = (seconds: number): number => origin + seconds * 1000;
  const route = request.routeOptions.url ?? 'unmatched';
  const [path = ''] = url.split('?', 1);
  const span = tracer.startSpan(
    `${method} ${route}`,
    {
      kind: SpanKind.SERVER,
      startTime: toEpoch(started),
      attributes: {
        'http.request.method': method,
        'http.route': route,
        'url.path': path,
        'url.scheme': 'http',
        'rdi.request_id': id,
      },
    },
    parent,
  );
  const { traceId } = span.spanContext();
  request.log = request.log.child({ traceId });
  const context = trace.setSpan(parent, span);
  const timelines: Timeline[] = [];

  return {
    image() {
      if (!span.isRecording()) return undefined;
      const timeline = createTimeline();
      timelines.push(timeline);
      return timeline;
    },
    end(status) {
      const ended = monotonicSeconds();
      if (span.isRecording()) {
        for (const timeline of timelines) {
          writeImageSpans(tracer, context, timeline, ended, toEpoch);
          noteExemplar(timeline);
        }
        exemplars.note('http_request_duration_seconds', { method, route, status }, ended - started, traceId);
      }
      span.setAttribute('http.response.status_code', status);
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end(toEpoch(ended));
    },
  };

  function noteExemplar({ prediction }: Timeline): void {
    if (!prediction) return;
    const { name: model, version } = prediction.model;
    const seconds = prediction.timing.totalMs / 1000;
    exemplars.note('rdi_request_duration_seconds', { model, version }, seconds, traceId);
  }
}
