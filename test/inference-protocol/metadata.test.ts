// What the Open Inference Protocol's routes tell: health, metadata, and Triton's configuration, statistics and index.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { version } from '../../src/foundation/version.js';
import { ModelInput_Format } from '../../src/protobuf/open_inference_pb.js';
import { testImages } from '../support/packages/profiled-package.js';
import { grpcClients } from '../support/service/grpc.js';
import { assertProtocolProblem } from '../support/service/inference.js';
import { predict } from '../support/service/requests.js';
import { startTestService } from '../support/service/service.js';

const { url, config, drain, samples } = await startTestService({ after });
const get = async (path: string) => (await fetch(url + path)).json();

test('the server and its models', async () => {
  const extensions = ['binary_tensor_data', 'classification', 'model_configuration', 'statistics'];
  assert.deepEqual(await get('/v2'), { name: 'rdi-serve', version, extensions });
  const metadata = {
    name: 'tiny',
    versions: ['1'],
    platform: 'rdi-serve_onnx',
    inputs: [
      {
        name: 'image',
        datatype: 'UINT8',
        shape: [-1, 3, 16, 16],
        parameters: { datatypes: 'FP32,FP16,UINT8,BYTES' },
      },
    ],
    outputs: [
      { name: 'probabilities', datatype: 'FP32', shape: [-1, 10] },
      { name: 'label', datatype: 'BYTES', shape: [-1] },
      { name: 'class_index', datatype: 'INT32', shape: [-1] },
      { name: 'exit_index', datatype: 'INT32', shape: [-1] },
      { name: 'flops', datatype: 'INT64', shape: [-1] },
      { name: 'certified', datatype: 'BOOL', shape: [-1] },
      { name: 'inverted', datatype: 'BOOL', shape: [-1] },
      { name: 'typical', datatype: 'BOOL', shape: [-1] },
    ],
  };
  assert.deepEqual(await get('/v2/models/tiny'), metadata);
  assert.deepEqual(await get('/v2/models/tiny/versions/1'), metadata);
  assert.deepEqual(await get('/v2/models/tiny/ready'), { name: 'tiny', ready: true });
  for (const path of ['/v2/models/other', '/v2/models/tiny/versions/2', '/v2/models/other/ready']) {
    await assertProtocolProblem(await fetch(url + path), 'unknown-model');
  }
});

test('the configuration has the dimensions of one image', async () => {
  const configuration = (await get('/v2/models/tiny/config')) as Record<string, unknown>;
  assert.equal(configuration['max_batch_size'], config.maxBatchImages);
  assert.deepEqual(configuration['input'], [
    { name: 'image', data_type: 'TYPE_UINT8', format: 'FORMAT_NCHW', dims: [3, 16, 16] },
  ]);
  const outputs = configuration['output'] as { name: string; data_type: string }[];
  assert.deepEqual(
    outputs.map(({ data_type }) => data_type),
    [
      'TYPE_FP32',
      'TYPE_STRING',
      'TYPE_INT32',
      'TYPE_INT32',
      'TYPE_INT64',
      'TYPE_BOOL',
      'TYPE_BOOL',
      'TYPE_BOOL',
    ],
  );
});

test('metadata and configuration name the datatype that is set', async (t) => {
  const tensors = async (protocolDatatype: 'FP32' | 'BYTES') => {
    const set = await startTestService(t, { config: { protocolDatatype, grpc: true } });
    const read = async (path: string) => (await fetch(`${set.url}/v2/models/tiny${path}`)).json();
    const { inputs } = (await read('')) as { inputs: { datatype: string; shape: number[] }[] };
    const { input } = (await read('/config')) as { input: object[] };
    const { inference } = grpcClients(t, set.grpcUrl);
    const [told] = (await inference.modelMetadata({ name: 'tiny' })).inputs;
    assert.deepEqual([told?.datatype, told?.shape.map(Number)], [inputs[0]?.datatype, inputs[0]?.shape]);
    const [configured] = (await inference.modelConfig({ name: 'tiny' })).config?.input ?? [];
    return [inputs[0]?.shape, input[0], configured?.dims, configured?.format];
  };
  assert.deepEqual(await tensors('FP32'), [
    [-1, 3, 16, 16],
    { name: 'image', data_type: 'TYPE_FP32', format: 'FORMAT_NCHW', dims: [3, 16, 16] },
    [3n, 16n, 16n],
    ModelInput_Format.NCHW,
  ]);
  assert.deepEqual(await tensors('BYTES'), [
    [-1, 1],
    { name: 'image', data_type: 'TYPE_STRING', format: 'FORMAT_NONE', dims: [1] },
    [1n],
    ModelInput_Format.NONE,
  ]);
});

test('the statistics are those of the metrics', async () => {
  const [image] = await testImages(1);
  for (let round = 0; round < 3; round++) await predict(url, image?.png ?? Buffer.alloc(0));
  const { model_stats } = (await get('/v2/models/tiny/versions/1/stats')) as {
    model_stats: {
      inference_count: number;
      execution_count: number;
      inference_stats: Record<string, { count: number; ns: number }>;
    }[];
  };
  const [stats] = model_stats;
  const now = await samples();
  assert.equal(stats?.inference_count, 3);
  assert.equal(stats.execution_count, now.sum('rdi_stage_duration_seconds_count'));
  const near = (part: string, seconds: number) =>
    assert.ok(Math.abs((stats.inference_stats[part]?.ns ?? 0) - seconds * 1e9) < 2, part);
  near('success', now.sum('rdi_request_duration_seconds_sum'));
  near('queue', now.sum('rdi_queue_wait_seconds_sum'));
  near('compute_input', now.sum('rdi_decode_duration_seconds_sum'));
  near('compute_infer', now.sum('rdi_stage_duration_seconds_sum'));
  // perf_analyzer refuses other ones.
  const counts = ['success', 'queue', 'compute_input', 'compute_infer', 'compute_output'];
  for (const part of counts) assert.equal(stats.inference_stats[part]?.count, 3, part);
});

test('the repository index, whatever the body’s content type', async () => {
  const ready = [{ name: 'tiny', version: '1', state: 'READY', reason: '' }];
  for (const body of ['', '{}', '{"ready":true}', '{"ready":null,"other":1}']) {
    const response = await fetch(`${url}/v2/repository/index`, { method: 'POST', body: new Blob([body]) });
    assert.deepEqual(await response.json(), ready, body);
  }
  for (const body of ['{', '[]', '{"ready":1}']) {
    const response = await fetch(`${url}/v2/repository/index`, { method: 'POST', body: new Blob([body]) });
    await assertProtocolProblem(response, 'invalid-body');
  }
});

test('ready and alive, and not ready while draining', async () => {
  assert.deepEqual(await get('/v2/health/live'), { live: true });
  assert.deepEqual(await get('/v2/health/ready'), { ready: true });
  drain();
  assert.deepEqual(await get('/v2/health/live'), { live: true });
  await assertProtocolProblem(await fetch(`${url}/v2/health/ready`), 'shutting-down');
  await assertProtocolProblem(await fetch(`${url}/v2/models/tiny/ready`), 'shutting-down');
});
