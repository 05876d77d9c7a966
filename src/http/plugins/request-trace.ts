// The trace of one request, over HTTP or gRPC, or of one message of a stream: one span, as a child of the caller's span (W3C Trace Context). Spans of its
// images (image-spans.ts) are written when the request has ended, from recorded times.
import type { IncomingHttpHeaders } from 'node:http';
import {
  type Attributes,
  defaultTextMapGetter,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { monotonicSeconds } from '../../foundation/clock.js';
import { createTimeline, type Timeline } from '../../serving/timeline.js';
import type { Tracing } from '../../telemetry/tracing.js';
import { writeImageSpans } from './image-spans.js';

export interface TracedRequest {
  /** Of the span. */
  readonly name: string;
  readonly headers: IncomingHttpHeaders;
  readonly attributes: Attributes;
}

/** How a request ended. */
export interface TracedEnd {
  readonly attributes: Attributes;
  readonly isError: boolean;
  /** In which the request was counted; undefined: in none. */
  readonly counted?: {
    readonly histogram: string;
    readonly labels: Readonly<Record<string, string | number>>;
  };
}

const propagator = new W3CTraceContextPropagator();

export function startRequestTrace({ tracer, exemplars }: Tracing, request: TracedRequest) {
  const parent = propagator.extract(ROOT_CONTEXT, request.headers, defaultTextMapGetter);
  const started = monotonicSeconds();
  const origin = Date.now() - started * 1000;
  const toEpoch = (seconds: number): number => origin + seconds * 1000;
  const { name, attributes } = request;
  const span = tracer.startSpan(
    name,
    { kind: SpanKind.SERVER, startTime: toEpoch(started), attributes },
    parent,
  );
  const { traceId } = span.spanContext();
  const context = trace.setSpan(parent, span);
  const timelines: Timeline[] = [];

  return {
    traceId,
    /** A timeline to fill in for one image of this request; undefined if the request is not sampled. */
    image(): Timeline | undefined {
      if (!span.isRecording()) return undefined;
      const timeline = createTimeline();
      timelines.push(timeline);
      return timeline;
    },
    /** Writes the spans. Call when the request has ended. */
    end({ attributes, isError, counted }: TracedEnd): void {
      const ended = monotonicSeconds();
      if (span.isRecording()) {
        for (const timeline of timelines) {
          writeImageSpans(tracer, context, timeline, ended, toEpoch);
          noteExemplar(timeline);
        }
        if (counted) exemplars.note(counted.histogram, counted.labels, ended - started, traceId);
      }
      span.setAttributes(attributes);
      if (isError) span.setStatus({ code: SpanStatusCode.ERROR });
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

export type StartedTrace = ReturnType<typeof startRequestTrace>;
