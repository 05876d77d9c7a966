// The client's process: keep-alive connections that send raw images as fast as they are answered, or at a rate.
// Started by load.ts, which gives it one job and takes one result.
import process from 'node:process';
import autocannon from 'autocannon';
import type { Prediction } from '../inference/prediction.js';
import type { LoadJob, LoadResult } from './load.js';
import { median } from './quantile.js';

/** One answer in so many is read for its timing: enough for a median, too few to slow the client. */
const SAMPLED = 16;

process.once('message', async (job: LoadJob) => {
  process.send?.(await run(job), () => process.disconnect());
});

async function run({ url, images, connections, extent, requestsPerSecond }: LoadJob): Promise<LoadResult> {
  const statuses: Record<string, number> = {};
  const timings: Prediction['timing'][] = [];
  let answers = 0;
  let withoutRetryAfter = 0;
  const onResponse = (
    status: number,
    body: string,
    _context: object,
    headers: Record<string, unknown> = {},
  ): void => {
    statuses[status] = (statuses[status] ?? 0) + 1;
    if (status === 503 && !Object.keys(headers).some((name) => name.toLowerCase() === 'retry-after')) {
      withoutRetryAfter++;
    }
    if (status === 200 && answers++ % SAMPLED === 0) timings.push((JSON.parse(body) as Prediction).timing);
  };
  const { pathname, search } = new URL(url);
  const cpuBefore = process.cpuUsage();
  const result = await autocannon({
    url,
    connections,
    ...('seconds' in extent ? { duration: extent.seconds } : { amount: extent.requests }),
    ...(requestsPerSecond !== undefined && { overallRate: requestsPerSecond }),
    requests: images.map((image) => ({
      method: 'POST' as const,
      path: `${pathname}${search}`,
      headers: { 'content-type': 'image/png' },
      body: Buffer.from(image, 'base64'),
      onResponse,
    })),
  });
  const { user, system } = process.cpuUsage(cpuBefore);
  const medianOf = (part: keyof Prediction['timing']): number =>
    median(timings.map((timing) => timing[part]));
  return {
    seconds: result.duration,
    sent: result.requests.sent,
    statuses,
    failures: result.errors,
    timeouts: result.timeouts,
    withoutRetryAfter,
    clientCpuSeconds: (user + system) / 1e6,
    latencyMs: { median: result.latency.p50, p99: result.latency.p99 },
    timingMs: {
      decodeMs: medianOf('decodeMs'),
      queueMs: medianOf('queueMs'),
      inferMs: medianOf('inferMs'),
      totalMs: medianOf('totalMs'),
    },
  };
}
