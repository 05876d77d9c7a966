// What the gRPC form tells: health, metadata, and Triton's configuration, statistics and index, as the REST form does.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Code } from '@connectrpc/connect';
import { version } from '../../../src/foundation/version.js';
import { HealthCheckResponse_ServingStatus as ServingStatus } from '../../../src/protobuf/grpc_health_pb.js';
import { DataType, ModelInput_Format } from '../../../src/protobuf/open_inference_pb.js';
import { testImages } from '../../support/packages/profiled-package.js';
import { assertStatus, grpcClients } from '../../support/service/grpc.js';
import { predict } from '../../support/service/requests.js';
import { startTestService, until } from '../../support/service/service.js';

const scope = { after };
const { url, grpcUrl, config, drain, log } = await startTestService(scope, { config: { grpc: true } });
const { inference, health } = grpcClients(scope, grpcUrl);
const get = async (path: string) => (await fetch(url + path)).json();

test('the server and its models', async () => {
  const server = await inference.serverMetadata({});
  assert.deepEqual([server.name, server.version], ['rdi-serve', version]);
  const told = (await get('/v2/models/tiny')) as Record<string, { name: string; shape: number[] }[]>;
  for (const request of [{ name: 'tiny' }, { name: 'tiny', version: '1' }]) {
    const metadata = await inference.modelMetadata(request);
    assert.deepEqual(metadata.versions, ['1']);
    for (const side of ['inputs', 'outputs'] as const) {
      const tensors = metadata[side].map(({ name, datatype, shape }) => ({
        name,
        datatype,
        shape: shape.map(Number),
      }));
      const { parameters: _parameters, ...first } = (told[side]?.[0] ?? {}) as { parameters?: unknown };
      assert.deepEqual(tensors, [first, ...(told[side] ?? []).slice(1)]);
    }
  }
  assert.equal((await inference.modelReady({ name: 'tiny' })).ready, true);
  await assertStatus(inference.modelMetadata({ name: 'other' }), Code.NotFound, 'unknown-model');
  await assertStatus(inference.modelReady({ name: 'tiny', version: '2' }), Code.NotFound, 'unknown-model');
});

test('the configuration, the statistics and the index', async () => {
  const { config: configuration } = await inference.modelConfig({ name: 'tiny' });
  assert.equal(configuration?.maxBatchSize, config.maxBatchImages);
  const [input] = configuration?.input ?? [];
  assert.equal(input?.dataType, DataType.TYPE_UINT8);
  assert.equal(input.format, ModelInput_Format.NCHW);
  assert.deepEqual(input.dims, [3n, 16n, 16n]);
  assert.deepEqual(configuration.output[0]?.dims, [10n]);
  const [image] = await testImages(1);
  for (let round = 0; round < 3; round++) await predict(url, image?.png ?? Buffer.alloc(0));
  const { model_stats: told } = (await get('/v2/models/tiny/stats')) as {
    model_stats: { inference_stats: { queue: { ns: number } } }[];
  };
  for (const request of [{}, { name: 'tiny' }, { name: 'tiny', version: '1' }]) {
    const [stats, ...others] = (await inference.modelStatistics(request)).modelStats;
    assert.equal(others.length, 0);
    assert.equal(stats?.inferenceCount, 3n);
    assert.equal(stats.inferenceStats?.success?.count, 3n);
    assert.equal(Number(stats.inferenceStats.queue?.ns), told[0]?.inference_stats.queue.ns);
  }
  const { models } = await inference.repositoryIndex({ ready: true });
  assert.deepEqual(
    models.map(({ name, version, state }) => [name, version, state]),
    [['tiny', '1', 'READY']],
  );
});

test('alive, ready and serving; while draining, alive alone; probes have no line in the log', async () => {
  const states = async () => {
    const services = ['', 'inference.GRPCInferenceService'];
    const checks = await Promise.all(services.map((service) => health.check({ service })));
    return [
      (await inference.serverLive({})).live,
      (await inference.serverReady({})).ready,
      (await inference.modelReady({ name: 'tiny' })).ready,
      ...checks.map(({ status }) => ServingStatus[status]),
    ];
  };
  const notFound = log.filter(({ grpcStatus }) => grpcStatus === 'NotFound').length;
  assert.deepEqual(await states(), [true, true, true, 'SERVING', 'SERVING']);
  await assertStatus(health.check({ service: 'other' }), Code.NotFound, 'unknown-model');
  drain();
  assert.deepEqual(await states(), [true, false, false, 'NOT_SERVING', 'NOT_SERVING']);
  // The line of a call comes when its stream closes: that of a later call says that theirs would be there.
  await assertStatus(inference.modelMetadata({ name: 'the last one' }), Code.NotFound, 'unknown-model');
  await until(() => log.filter(({ grpcStatus }) => grpcStatus === 'NotFound').length === notFound + 2);
  assert.deepEqual(probesIn(log), []);
});

test('with logProbes, each probe has a line', async (t) => {
  const chatty = await startTestService(t, { config: { grpc: true, logProbes: true } });
  const clients = grpcClients(t, chatty.grpcUrl);
  await clients.inference.serverLive({});
  await clients.inference.serverReady({});
  await clients.health.check({});
  await until(() => probesIn(chatty.log).length === 3);
});

/** The routes of the probes that were answered. */
function probesIn(lines: typeof log): string[] {
  return lines
    .filter(({ grpcStatus }) => grpcStatus === 'OK')
    .map(({ route }) => `${route}`)
    .filter((route) => /Live|ServerReady|Check/.test(route));
}
