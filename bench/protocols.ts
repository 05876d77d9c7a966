// Compares the ways to one model, in turn against one server: POST /classify with PNGs, and the same images as raw tensors
// in the Open Inference Protocol, its REST form in binary and its gRPC form, as the UINT8 pixels that metadata name and as
// FP32. Exit code 1 if a request fails, or a form is slower with pixels than promised.
// Usage: node dist/bench/protocols.js [models folder] [model] [profile] [seconds] [rounds] [connections]
import process from 'node:process';
import { create, toBinary } from '@bufbuild/protobuf';
import { createImageTensor } from '../src/cascade/image-tensor.js';
import { UsageError } from '../src/foundation/errors.js';
import { positiveInteger, positiveNumber } from '../src/foundation/numbers.js';
import { median } from '../src/foundation/quantile.js';
import { findPackages } from '../src/packages/repository.js';
import { ModelInferRequestSchema } from '../src/protobuf/open_inference_pb.js';
import { formatTable } from '../src/report/table.js';
import { sumOf } from '../src/telemetry/metrics-text.js';
import { encodeGolden } from './load/golden-images.js';
import { type LoadJob, startLoadClient } from './load/load.js';
import { reportPromises } from './load/promises.js';
import { serverCosts } from './load/server-costs.js';
import { freePort, startServer } from './load/server-process.js';
import { rotated } from './peers/rounds.js';

const [
  models = 'models',
  wanted = 'rdi-resnet38',
  profile = 'balanced',
  secondsText = '4',
  roundsText = '3',
  connectionsText = '16',
] = process.argv.slice(2);
const extent = { seconds: positiveNumber(secondsText) };
const rounds = positiveInteger(roundsText);
const connections = positiveInteger(connectionsText);
const LEAST_REST = 1;
const LEAST_GRPC = 0.9;

const { packages } = await findPackages(models);
const model = packages.findLast(({ manifest }) => manifest.name === wanted);
if (!model) throw new UsageError(`There is no model ${wanted} in "${models}".`);
const { name, input } = model.manifest;
const { height, width, channels, layout = 'nchw' } = input;
const toTensor = createImageTensor(input, layout);
const pixels = model.golden.cases.map((one) => Buffer.from(one.pixels, 'base64'));
/** The golden inputs as raw tensors. */
interface Tensors {
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly raw: readonly Buffer[];
}
const channelsLast = [1, height, width, channels];
const asPixels: Tensors = { datatype: 'UINT8', shape: channelsLast, raw: pixels };
const asValues: Tensors = {
  datatype: 'FP32',
  shape: layout === 'nchw' ? [1, channels, height, width] : channelsLast,
  raw: pixels.map((one) => {
    const values = toTensor(new Uint8Array(one));
    return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  }),
};

const grpcPort = await freePort();
const server = await startServer({ models, defaultModel: name, auditFraction: 0, grpc: 'true', grpcPort });

function restJob({ datatype, shape, raw }: Tensors): Omit<LoadJob, 'extent' | 'connections'> {
  const described = { name: 'image', datatype, shape };
  const json = Buffer.from(
    JSON.stringify({
      inputs: [{ ...described, parameters: { binary_data_size: raw[0]?.length } }],
      parameters: { profile, binary_data_output: true },
    }),
  );
  return {
    url: `${server.url}/v2/models/${name}/infer`,
    images: raw.map((one) => Buffer.concat([json, one]).toString('base64')),
    contentType: 'application/octet-stream',
    headers: { 'inference-header-content-length': `${json.length}` },
  };
}

function grpcJob({ datatype, shape, raw }: Tensors): Omit<LoadJob, 'extent' | 'connections'> {
  const messageOf = (one: Buffer) =>
    create(ModelInferRequestSchema, {
      modelName: name,
      parameters: { profile: { parameterChoice: { case: 'stringParam', value: profile } } },
      inputs: [{ name: 'image', datatype, shape: shape.map(BigInt) }],
      rawInputContents: [one],
    });
  return {
    url: `http://127.0.0.1:${grpcPort}/inference.GRPCInferenceService/ModelInfer`,
    images: raw.map((one) =>
      Buffer.from(toBinary(ModelInferRequestSchema, messageOf(one))).toString('base64'),
    ),
    form: 'grpc',
  };
}

const pngs = await encodeGolden(model);
const jobs: Record<string, Omit<LoadJob, 'extent' | 'connections'>> = {
  'POST /classify, PNG': {
    url: `${server.url}/classify?${new URLSearchParams({ profile })}`,
    images: pngs.map((png) => png.toString('base64')),
  },
  'v2 REST, binary UINT8': restJob(asPixels),
  'v2 gRPC, raw UINT8': grpcJob(asPixels),
  'v2 REST, binary FP32': restJob(asValues),
  'v2 gRPC, raw FP32': grpcJob(asValues),
};

const client = startLoadClient();
const results = Object.entries(jobs).map(([form, job]) => ({
  form,
  job,
  perSecond: [] as number[],
  cpuMs: [] as number[],
  batch: [] as number[],
  megaflops: [] as number[],
  latencyMs: [] as number[],
  failed: 0,
}));
for (let round = -1; round < rounds; round++) {
  // Each round begins with another form.
  for (const result of rotated(results, round + 1)) {
    const before = await server.metrics();
    const load = await client.apply({ ...result.job, connections, extent });
    const after = await server.metrics();
    const { cpuSeconds, meanBatch } = serverCosts(before, after);
    const answered = load.statuses['200'] ?? 0;
    result.failed += load.sent - answered;
    if (round < 0) continue; // to warm up
    result.perSecond.push(answered / load.seconds);
    result.cpuMs.push((1000 * cpuSeconds) / answered);
    result.batch.push(meanBatch);
    result.megaflops.push(
      (sumOf(after, 'rdi_flops_total') - sumOf(before, 'rdi_flops_total')) / answered / 1e6,
    );
    result.latencyMs.push(load.latencyMs.median);
  }
}
client.close();
await server.stop();

const [classify] = results;
/** Median of the ratios of each round: what else the machine does differs less within one. */
const ratioOf = ({ perSecond }: (typeof results)[number]) =>
  median(perSecond.map((one, round) => one / (classify?.perSecond[round] ?? Number.NaN)));
process.stdout.write(
  formatTable(
    [
      `${name}, ${profile}`,
      'requests/s',
      'of /classify',
      'server CPU ms',
      'MFLOPs',
      'mean batch',
      'median ms',
      'failed',
    ],
    results.map((result) => [
      result.form,
      Math.round(median(result.perSecond)),
      ratioOf(result).toFixed(2),
      median(result.cpuMs).toFixed(2),
      median(result.megaflops).toFixed(1),
      median(result.batch).toFixed(1),
      median(result.latencyMs).toFixed(1),
      result.failed,
    ]),
  ),
);
const [, rest = Number.NaN, grpc = Number.NaN] = results.map(ratioOf);
reportPromises([
  ['every request is answered', results.every(({ failed }) => failed === 0), 'see above'],
  [`REST in binary is at least ${LEAST_REST.toFixed(2)} × /classify`, rest >= LEAST_REST, rest.toFixed(2)],
  [`gRPC is at least ${LEAST_GRPC.toFixed(2)} × /classify`, grpc >= LEAST_GRPC, grpc.toFixed(2)],
]);
