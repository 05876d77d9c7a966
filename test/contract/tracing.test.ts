// Traces as a collector receives them: the request, its images, and for each image exactly the segments that ran.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Prediction } from '../../src/serving/prediction.js';
import { tracesEndpoint } from '../../src/telemetry/tracing.js';
import { createDirector } from '../support/engines/directed-engine.js';
import { type ReceivedSpan, startOtlpReceiver } from '../support/otlp/otlp-receiver.js';
import { testImages } from '../support/packages/profiled-package.js';
import { grpcClients, inferRequest } from '../support/service/grpc.js';
import { inferJson, joinBytes } from '../support/service/inference.js';
import { classify, classifyBatch, post } from '../support/service/requests.js';
import { startProcess } from '../support/service/serve-process.js';
import { startTestService, temporaryModels, until } from '../support/service/service.js';

process.env['OTEL_BSP_SCHEDULE_DELAY'] = '20';
process.env['OTEL_SERVICE_NAME'] = 'digits';

const scope = { after };
const receiver = await startOtlpReceiver(scope);
const director = createDirector(scope);
const config = { otlpEndpoint: receiver.endpoint, grpc: true };
const service = await startTestService(scope, { config, engineModule: director.engineModule });
const { url, log } = service;
const images = (await testImages(40)).map(({ png }) => png);

const SERVER = 2;
const MILLISECOND = 1_000_000n;
const newTrace = () => Array.from({ length: 32 }, () => Math.floor(Math.random() * 16).toString(16)).join('');
const traceparent = (traceId: string, flags = '01') => ({
  traceparent: `00-${traceId}-00f067aa0ba902b7-${flags}`,
});

/** All spans of a trace; waits for the request's span, which is written last. */
async function traceOf(traceId: string): Promise<ReceivedSpan[]> {
  const own = () => receiver.spans.filter((span) => span.traceId === traceId);
  await until(() => own().some(({ kind }) => kind === SERVER));
  return own();
}
const childrenOf = (spans: readonly ReceivedSpan[], { id }: ReceivedSpan) =>
  spans.filter(({ parent }) => parent === id);
function only(spans: readonly ReceivedSpan[], name: string): ReceivedSpan {
  const found = spans.filter((span) => span.name === name);
  assert.equal(found.length, 1, `${name}: ${spans.map((span) => span.name)}`);
  return found[0] as ReceivedSpan;
}

test('one request: decode, queue and exactly the segments that the engine ran, in order', async () => {
  const depths = new Set<number>();
  for (const query of [{}, { profile: 'second-only' }, { profile: 'full' }, { maxExit: 1 }]) {
    for (const png of images.slice(0, 12)) {
      const traceId = newTrace();
      const before = (await director.runs()).length;
      const address = `${url}/classify?${new URLSearchParams(query as Record<string, string>)}`;
      const response = await post(address, png, 'image/png', traceparent(traceId));
      const { exit, flops } = (await response.json()) as Prediction;
      const runs = (await director.runs()).slice(before);
      depths.add(exit.index);

      const spans = await traceOf(traceId);
      const request = only(spans, 'POST /classify');
      assert.equal(request.parent, '00f067aa0ba902b7');
      assert.equal(request.resource['service.name'], 'digits');
      assert.equal(request.attributes['http.response.status_code'], 200);
      assert.equal(request.attributes['rdi.request_id'], response.headers.get('x-request-id'));
      const [image, ...others] = childrenOf(spans, request);
      assert.ok(image && others.length === 0);
      assert.equal(image.attributes['rdi.exit'], exit.index);
      assert.equal(image.attributes['rdi.exit_reason'], exit.reason);
      assert.equal(image.attributes['rdi.flops'], flops.executed);
      const steps = childrenOf(spans, image);
      assert.equal(spans.length, 2 + steps.length);
      assert.deepEqual(
        steps.map(({ name }) => name),
        ['decode', 'queue', ...runs.map(({ to }) => `segment to exit ${to}`)],
      );
      const stages = runs.map(({ from, to }) =>
        Array.from({ length: to - from }, (_, stage) => from + 1 + stage),
      );
      assert.deepEqual(
        steps.slice(2).map(({ attributes }) => attributes),
        runs.map(({ to }, index) => ({ 'rdi.exit': to, 'rdi.stages': stages[index], 'rdi.batch': 1 })),
      );
      // One after another, within the image, within the request; tolerance 1 ms, the resolution of the wall clock.
      for (const [index, { start, end }] of steps.entries()) {
        assert.ok(start <= end);
        assert.ok(start >= image.start - MILLISECOND && end <= image.end + MILLISECOND);
        const next = steps[index + 1];
        if (next) assert.ok(end <= next.start + MILLISECOND);
      }
      assert.ok(request.start <= image.start && image.end <= request.end + MILLISECOND);
      assert.ok(!spans.some(({ failed }) => failed));
    }
  }
  assert.deepEqual([...depths].sort(), [0, 1, 2], 'images that leave at every exit');
});

test('a batch request: spans for each image, with the sizes of its engine batches', async () => {
  const before = receiver.spans.length;
  const response = await classifyBatch(url, images);
  const { results } = (await response.json()) as { results: { prediction: Prediction }[] };
  await until(() => receiver.spans.slice(before).some(({ kind }) => kind === SERVER));
  const spans = receiver.spans.slice(before);
  const request = only(spans, 'POST /classify/batch');
  assert.equal(request.parent, '');
  const ofImages = childrenOf(spans, request);
  assert.deepEqual(
    ofImages.map(({ attributes }) => attributes['rdi.exit']),
    results.map(({ prediction }) => prediction.exit.index),
  );
  const sizes = new Set<unknown>();
  for (const image of ofImages) {
    const [decode, queue, ...segments] = childrenOf(spans, image);
    assert.deepEqual([decode?.name, queue?.name], ['decode', 'queue']);
    assert.equal(segments.at(-1)?.attributes['rdi.exit'], image.attributes['rdi.exit']);
    assert.deepEqual(
      segments.map(({ attributes }) => attributes['rdi.exit']),
      segments.map((_, index) => index),
    );
    for (const { attributes } of segments) sizes.add(attributes['rdi.batch']);
  }
  assert.ok(sizes.has(8) && sizes.size > 2, `${[...sizes]}`);
});

test('an inference of the Open Inference Protocol: spans for each image, its probes none', async () => {
  const before = receiver.spans.length;
  assert.equal((await fetch(`${url}/v2/health/ready`)).status, 200);
  const two = images.slice(0, 2).map((png) => png.toString('base64'));
  const response = await inferJson(url, { datatype: 'BYTES', shape: [2] }, two);
  assert.equal(response.status, 200);
  await until(() => receiver.spans.slice(before).some(({ kind }) => kind === SERVER));
  const spans = receiver.spans.slice(before);
  assert.equal(spans.filter(({ kind }) => kind === SERVER).length, 1);
  const ofImages = childrenOf(spans, only(spans, 'POST /v2/models/:model/infer'));
  assert.deepEqual(
    ofImages.map(({ name }) => name),
    ['image', 'image'],
  );
});

test('a stream of gRPC: a trace for each message, each a child of the span that the call names', async () => {
  const traceId = newTrace();
  const good = inferRequest('BYTES', [1], joinBytes([images[0] as Buffer]));
  const requests = [good, { ...good, modelName: 'none' }, good];
  const { inference } = grpcClients(scope, service.grpcUrl);
  async function* messages() {
    yield* requests;
  }
  let answers = 0;
  for await (const _ of inference.modelStreamInfer(messages(), { headers: traceparent(traceId) })) answers++;
  assert.equal(answers, requests.length);
  const own = () => receiver.spans.filter((span) => span.traceId === traceId);
  await until(() => own().filter(({ kind }) => kind === SERVER).length === requests.length);
  const ofMessages = own().filter(({ kind }) => kind === SERVER);
  const name = 'inference.GRPCInferenceService/ModelStreamInfer';
  assert.ok(ofMessages.every((span) => span.name === name && span.parent === '00f067aa0ba902b7'));
  const ends = ofMessages.map((span) => [
    span.attributes['rpc.grpc.status_code'],
    childrenOf(own(), span).map(({ name }) => name),
  ]);
  assert.deepEqual(ends.sort(), [
    ['NotFound', []],
    ['OK', ['image']],
    ['OK', ['image']],
  ]);
});

test('a failure is shown in the span in which it happened', async () => {
  const bad = newTrace();
  await post(`${url}/classify`, Buffer.from('no image'), 'image/png', traceparent(bad));
  const refused = await traceOf(bad);
  assert.deepEqual(
    refused.map(({ name, failed }) => [name, failed]),
    [
      ['image', true],
      ['decode', true],
      ['POST /classify', false],
    ],
    'the client’s fault, so the request itself is not an error of the server',
  );

  await director.hold();
  const held = classify(url, images[0] as Buffer);
  await until(async () => (await service.samples()).sum('rdi_in_flight') === 1);
  const late = newTrace();
  await post(`${url}/classify?deadlineMs=20`, images[0], 'image/png', traceparent(late));
  await director.release();
  await held;
  const spans = await traceOf(late);
  assert.deepEqual(
    spans.map(({ name, failed }) => [name, failed]),
    [
      ['image', true],
      ['decode', false],
      ['queue', true],
      ['POST /classify', true],
    ],
  );
});

test('a disconnected client is shown, in the span in which its image was', async () => {
  await director.hold();
  const held = classify(url, images[0] as Buffer);
  await until(async () => (await service.samples()).sum('rdi_in_flight') === 1);
  const traceId = newTrace();
  const controller = new AbortController();
  const headers = { 'content-type': 'image/png', ...traceparent(traceId) };
  const sent = { method: 'POST', body: images[0] as Buffer, headers, signal: controller.signal };
  const abandoned = assert.rejects(fetch(`${url}/classify`, sent), { name: 'AbortError' });
  await until(async () => (await service.samples()).sum('rdi_queue_depth') === 1);
  controller.abort();
  await abandoned;
  const spans = await traceOf(traceId);
  await director.release();
  await held;
  assert.deepEqual(
    spans.map(({ name, failed }) => [name, failed]),
    [
      ['image', true],
      ['decode', false],
      ['queue', true],
      ['POST /classify', false],
    ],
  );
  assert.equal(only(spans, 'POST /classify').attributes['http.response.status_code'], 499);
});

test('the log contains the trace id, and OpenMetrics has it as an exemplar', async () => {
  const traceId = newTrace();
  await post(`${url}/classify`, images[0], 'image/png', traceparent(traceId));
  await traceOf(traceId);
  await until(() => log.some((line) => line['traceId'] === traceId && line['msg'] === 'request'));
  const accept = { accept: 'application/openmetrics-text' };
  const text = await (await fetch(`${url}/metrics`, { headers: accept })).text();
  const line = /^(\w+)_bucket\{.*le="([^"]+)".*\} \d+ # \{trace_id="([0-9a-f]{32})"\} ([\d.e-]+) \d+\.\d+$/gm;
  const exemplars = [...text.matchAll(line)];
  const named = exemplars.filter(([, , , id]) => id === traceId).map(([, histogram]) => histogram);
  assert.deepEqual(named, ['rdi_request_duration_seconds', 'http_request_duration_seconds']);
  assert.equal(exemplars.length, text.split('trace_id').length - 1, 'exemplars only at buckets');
  for (const [, , bound, , seconds] of exemplars) {
    assert.ok(bound === '+Inf' || Number(seconds) <= Number(bound));
  }
  assert.doesNotMatch(await (await fetch(`${url}/metrics`)).text(), /trace_id/);
});

test('a request that is not sampled is not recorded, and probes and scrapes are never traced', async () => {
  const before = receiver.spans.length;
  const silent = newTrace();
  await post(`${url}/classify`, images[0], 'image/png', traceparent(silent, '00'));
  for (const path of ['/livez', '/readyz', '/metrics', '/openapi.json', '/docs/']) await fetch(url + path);
  const marker = newTrace();
  await fetch(`${url}/models`, { headers: traceparent(marker) });
  await traceOf(marker);
  assert.deepEqual(
    receiver.spans.slice(before).map(({ name }) => name),
    ['GET /models'],
  );
  assert.ok(
    log.some((line) => line['traceId'] === silent),
    'the caller’s logs can be joined all the same',
  );
});

test('OpenTelemetry’s own variables say where traces go, and switch them off', () => {
  const OTEL_EXPORTER_OTLP_ENDPOINT = 'http://collector:4318/';
  const OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = 'http://traces/anywhere';
  const base = 'http://collector:4318/v1/traces';
  for (const [setting, environment, expected] of [
    ['', {}, undefined],
    ['', { OTEL_EXPORTER_OTLP_ENDPOINT: '' }, undefined],
    ['http://own:1', {}, 'http://own:1/v1/traces'],
    ['', { OTEL_EXPORTER_OTLP_ENDPOINT }, base],
    ['', { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT }, 'http://traces/anywhere'],
    ['http://own:1', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT }, 'http://own:1/v1/traces'],
    ['http://own:1', { OTEL_SDK_DISABLED: 'TRUE' }, undefined],
    ['', { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }, undefined],
    ['', { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SDK_DISABLED: 'false' }, base],
  ] as const) {
    assert.equal(tracesEndpoint(setting, environment), expected);
  }
});

test('OTEL_EXPORTER_OTLP_ENDPOINT alone switches tracing on', async (t) => {
  const { models } = await temporaryModels();
  const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint };
  const server = await startProcess(t, models, [], { environment });
  const trace = newTrace();
  await post(`${server.url}/classify`, images[0], 'image/png', traceparent(trace));
  assert.ok((await traceOf(trace)).length > 1);
});

test('an unreachable collector causes a warning in the log; requests and the shutdown are not affected', async (t) => {
  const { models } = await temporaryModels();
  const server = await startProcess(t, models, ['--otlp-endpoint', 'http://127.0.0.1:1']);
  assert.equal((await classify(server.url, images[0] as Buffer)).status, 200);
  await until(() => server.logged('tracing').some(({ level }) => level === 40));
  assert.equal((await classify(server.url, images[0] as Buffer)).status, 200);
  server.child.kill('SIGTERM');
  const { code, stderr } = await server.ended;
  assert.deepEqual([code, stderr], [0, '']);
});

test('without tracing, there are no trace ids in the log and no exemplars', async (t) => {
  const plain = await startTestService(t);
  await post(`${plain.url}/classify`, images[0], 'image/png', traceparent(newTrace()));
  await until(() => plain.log.some(({ msg }) => msg === 'request'));
  assert.ok(!plain.log.some((line) => 'traceId' in line));
});
