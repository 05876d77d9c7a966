#!/usr/bin/env bash
# Packages: @opentelemetry/sdk-trace-base 2.12.1 and @opentelemetry/exporter-trace-otlp-proto 0.223.1 (npm).
#
# Expected: The variables of the OpenTelemetry specification work in every program that uses its SDK. The two
#   variables for the endpoint take the same kind of address.
# Behaviour: If the program puts the SDK together itself, without @opentelemetry/sdk-node, some of them work and some
#   are ignored. OTEL_TRACES_SAMPLER works. OTEL_SDK_DISABLED, OTEL_TRACES_EXPORTER and OTEL_SERVICE_NAME do not. The
#   path /v1/traces is added to OTEL_EXPORTER_OTLP_ENDPOINT, but not to OTEL_EXPORTER_OTLP_TRACES_ENDPOINT and not to
#   the option `url`.
#
# Output seen, what a collector gets for one span:
#   OTEL_EXPORTER_OTLP_ENDPOINT=http://collector           POST /v1/traces
#   OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://collector    POST /
#   url: http://collector                                  POST /
#   first line with OTEL_SDK_DISABLED=true                 POST /v1/traces
#   first line with OTEL_TRACES_EXPORTER=none              POST /v1/traces
#   first line with OTEL_TRACES_SAMPLER=always_off         nothing
#   service.name with OTEL_SERVICE_NAME=classifier         unknown_service:node
#
# Meaning: An operator who switches tracing off for a load test goes on sending. A collector answers the path / with
#   404, and the spans are lost. A service that assembles the SDK must read the missing variables itself.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund @opentelemetry/api@1.9.1 @opentelemetry/sdk-trace-base@2.12.1 \
  @opentelemetry/exporter-trace-otlp-proto@0.223.1

cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
const received = [];
const collector = createServer((request, response) => {
  received.push(`${request.method} ${request.url}`);
  request.resume().on('end', () => response.end());
}).listen(0, '127.0.0.1');
await once(collector, 'listening');
const address = `http://127.0.0.1:${collector.address().port}`;

const trace = async (variables, options) => {
  Object.assign(process.env, variables);
  const spanProcessors = [new SimpleSpanProcessor(new OTLPTraceExporter(options))];
  const provider = new BasicTracerProvider({ spanProcessors });
  const span = provider.getTracer('check').startSpan('request');
  span.end();
  await provider.forceFlush();
  await provider.shutdown();
  for (const name of Object.keys(variables)) delete process.env[name];
  return { got: received.splice(0).join() || 'nothing', service: span.resource?.attributes['service.name'] };
};
const general = { OTEL_EXPORTER_OTLP_ENDPOINT: address };
const seen = {
  'general endpoint': (await trace(general)).got,
  'endpoint for traces': (await trace({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: address })).got,
  'option url': (await trace({}, { url: address })).got,
  'SDK_DISABLED': (await trace({ ...general, OTEL_SDK_DISABLED: 'true' })).got,
  'TRACES_EXPORTER none': (await trace({ ...general, OTEL_TRACES_EXPORTER: 'none' })).got,
  'TRACES_SAMPLER always_off': (await trace({ ...general, OTEL_TRACES_SAMPLER: 'always_off' })).got,
  'SERVICE_NAME': (await trace({ ...general, OTEL_SERVICE_NAME: 'classifier' })).service,
};
collector.close();
const all = 'POST /v1/traces';
assert.deepEqual(Object.values(seen), [all, 'POST /', 'POST /', all, all, 'nothing', 'unknown_service:node'],
  `The behaviour has changed: ${JSON.stringify(seen)}`);
console.log(`As stated: ${JSON.stringify(seen)}`);
JS
# Only what the script sets itself may count.
for name in "${!OTEL_@}"; do unset "$name"; done
node check.mjs
