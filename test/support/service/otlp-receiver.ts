// An OTLP/HTTP receiver: takes what a collector would take, decodes the protobuf and keeps the spans.
// The schema is the part of opentelemetry/proto that spans are made of, written down here so that it is not the
// exporter's own code that reads back what it wrote.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import protobuf from 'protobufjs';
import type { Scope } from '../scope.js';

const { root } = protobuf.parse(`
  syntax = "proto3";
  message ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { repeated Span spans = 2; }
  message Span {
    bytes trace_id = 1;
    bytes span_id = 2;
    bytes parent_span_id = 4;
    string name = 5;
    int32 kind = 6;
    fixed64 start_time_unix_nano = 7;
    fixed64 end_time_unix_nano = 8;
    repeated KeyValue attributes = 9;
    Status status = 15;
  }
  message Status { int32 code = 3; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message ArrayValue { repeated AnyValue values = 1; }
  message AnyValue {
    oneof value {
      string string_value = 1;
      bool bool_value = 2;
      int64 int_value = 3;
      double double_value = 4;
      ArrayValue array_value = 5;
    }
  }
`);
const message = root.lookupType('ExportTraceServiceRequest');

interface AnyValue {
  readonly stringValue?: string;
  readonly intValue?: string;
  readonly arrayValue?: { readonly values: readonly AnyValue[] };
}
interface Attributes {
  readonly attributes: readonly { readonly key: string; readonly value: AnyValue }[];
}
interface SpanMessage extends Attributes {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly status: { readonly code: number } | null;
}
interface ExportRequest {
  readonly resourceSpans: readonly {
    readonly resource: Attributes;
    readonly scopeSpans: readonly { readonly spans: readonly SpanMessage[] }[];
  }[];
}

export interface ReceivedSpan {
  readonly resource: Readonly<Record<string, unknown>>;
  readonly traceId: string;
  readonly id: string;
  /** Empty: it has none. */
  readonly parent: string;
  readonly name: string;
  readonly kind: number;
  /** Nanoseconds since 1970. */
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly failed: boolean;
}

export interface OtlpReceiver {
  readonly endpoint: string;
  readonly spans: readonly ReceivedSpan[];
}

export async function startOtlpReceiver(scope: Scope): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const server = createServer(async (request, response) => {
    const acceptable =
      `${request.method} ${request.url}` === 'POST /v1/traces' &&
      request.headers['content-type'] === 'application/x-protobuf';
    const body = await buffer(request);
    if (acceptable) spans.push(...readSpans(body));
    response.writeHead(acceptable ? 200 : 400, { 'content-type': 'application/x-protobuf' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  scope.after(async () => {
    server.closeAllConnections();
    server.close();
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans };
}

function readSpans(body: Buffer): ReceivedSpan[] {
  const options = { bytes: String, longs: String, arrays: true, defaults: true };
  const { resourceSpans } = message.toObject(message.decode(body), options) as ExportRequest;
  const hex = (base64: string) => Buffer.from(base64, 'base64').toString('hex');
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap((scope) =>
      scope.spans.map((span) => ({
        resource: attributesOf(resource),
        traceId: hex(span.traceId),
        id: hex(span.spanId),
        parent: hex(span.parentSpanId),
        name: span.name,
        kind: span.kind,
        start: BigInt(span.startTimeUnixNano),
        end: BigInt(span.endTimeUnixNano),
        attributes: attributesOf(span),
        failed: span.status?.code === 2,
      })),
    ),
  );
}

function attributesOf({ attributes }: Attributes): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plainValue(value)]));
}

function plainValue({ stringValue, intValue, arrayValue }: AnyValue): unknown {
  return stringValue ?? (intValue === undefined ? arrayValue?.values.map(plainValue) : Number(intValue));
}
