// Durations, and batch sizes of engine calls.
import { Histogram, type Registry } from 'prom-client';

const DECODE_SECONDS = [50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.25, 1];
/** Buckets, in seconds, of every duration histogram except decoding. */
export const DURATION_BUCKETS = [
  100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];
const BATCH_SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256];

export function timeMetrics(registers: Registry[]) {
  return {
    requestSeconds: new Histogram({
      name: 'rdi_request_duration_seconds',
      help: 'Time of one image from admission to answer.',
      labelNames: ['model', 'version'],
      buckets: DURATION_BUCKETS,
      registers,
    }),
    decodeSeconds: new Histogram({
      name: 'rdi_decode_duration_seconds',
      help: 'Time to decode and resample one image.',
      labelNames: ['model', 'version'],
      buckets: DECODE_SECONDS,
      registers,
    }),
    queueSeconds: new Histogram({
      name: 'rdi_queue_wait_seconds',
      help: 'Time from the end of decoding until a worker starts on the image.',
      labelNames: ['model', 'version'],
      buckets: DURATION_BUCKETS,
      registers,
    }),
    stageSeconds: new Histogram({
      name: 'rdi_stage_duration_seconds',
      help: 'Time of one engine call on a batch, for the segment that ends at exit `stage`.',
      labelNames: ['model', 'version', 'stage'],
      buckets: DURATION_BUCKETS,
      registers,
    }),
    batchSize: new Histogram({
      name: 'rdi_batch_size',
      help: 'Images in one engine call, by the exit at which the segment ends.',
      labelNames: ['model', 'version', 'stage'],
      buckets: BATCH_SIZES,
      registers,
    }),
    httpSeconds: new Histogram({
      name: 'http_request_duration_seconds',
      help: 'Time from the request’s headers to the end of the response.',
      labelNames: ['method', 'route', 'status'],
      buckets: DURATION_BUCKETS,
      registers,
    }),
    grpcSeconds: new Histogram({
      name: 'grpc_server_handling_seconds',
      help: 'Time from the call’s headers to the end of its status.',
      labelNames: ['grpc_service', 'grpc_method', 'grpc_code'],
      buckets: DURATION_BUCKETS,
      registers,
    }),
  };
}
