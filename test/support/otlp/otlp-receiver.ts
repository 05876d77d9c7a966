// An OTLP/HTTP receiver: takes what a collector would take, decodes the protobuf and keeps the spans.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { fromBinary } from '@bufbuild/protobuf';
import type { Scope } from '../scope.js';
import { type AnyValue, ExportTraceServiceRequestSchema, type KeyValue } from './spans_pb.js';

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
  const { resourceSpans } = fromBinary(ExportTraceServiceRequestSchema, body);
  const hex = (id: Uint8Array) => Buffer.from(id).toString('hex');
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap((scope) =>
      scope.spans.map((span) => ({
        resource: attributesOf(resource?.attributes ?? []),
        traceId: hex(span.traceId),
        id: hex(span.spanId),
        parent: hex(span.parentSpanId),
        name: span.name,
        kind: span.kind,
        start: span.startTimeUnixNano,
        end: span.endTimeUnixNano,
        attributes: attributesOf(span.attributes),
        failed: span.status?.code === 2,
      })),
    ),
  );
}

function attributesOf(attributes: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plainValue(value)]));
}

function plainValue(any: AnyValue | undefined): unknown {
  const held = any?.value;
  if (held?.case === 'arrayValue') return held.value.values.map(plainValue);
  return held?.case === 'intValue' ? Number(held.value) : held?.value;
}
