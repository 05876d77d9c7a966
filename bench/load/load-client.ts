// The load client's process. Its keep-alive connections send images as fast as they are answered, or at a given rate.
// load.ts starts it, sends it one job after the other, and receives the results.
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicSeconds } from '../../src/foundation/clock.js';
import { messageOf } from '../../src/foundation/errors.js';
import { median, quantile } from '../../src/foundation/quantile.js';
import type { Prediction } from '../../src/serving/prediction.js';
import { createGrpcConnection, frameMessage } from './grpc-connection.js';
import {
  type Answer,
  createKeepAliveConnection,
  encodeRequest,
  type KeepAliveConnection,
} from './keep-alive-connection.js';
import type { KeptAnswer, LoadJob, LoadResult } from './load.js';

/** One answer in 16 is parsed for its timing. This suffices for a median and does not slow the client. */
const SAMPLED = 16;
const CALLS_PER_CONNECTION = 8;

process.on('message', async (job: LoadJob) => {
  process.send?.(await run(job));
});
// Without this, the load would continue to its end after the parent process has ended.
process.once('disconnect', () => process.exit());

async function run(job: LoadJob): Promise<LoadResult> {
  const { url, images, form = 'http', connections, extent, requestsPerSecond, keepsAnswers = false } = job;
  const target = new URL(url);
  const [encode, connect] =
    form === 'grpc'
      ? [frameMessage, createGrpcConnection]
      : [(body: Buffer) => encodeRequest(target, body, job), createKeepAliveConnection];
  const requests = images.map((image) => encode(Buffer.from(image, 'base64')));
  const statuses: Record<string, number> = {};
  const unanswered: Record<string, number> = {};
  const durations: number[] = [];
  const timings: Prediction['timing'][] = [];
  const answers: KeptAnswer[] = [];
  let sent = 0;
  let withoutRetryAfter = 0;
  const cpuBefore = process.cpuUsage();
  const started = monotonicSeconds();

  const isOver = (): boolean =>
    'seconds' in extent ? monotonicSeconds() - started >= extent.seconds : sent >= extent.requests;

  function count({ status, head, body, seconds }: Answer, image: number): void {
    statuses[status] = (statuses[status] ?? 0) + 1;
    if (status === 503 && !/\r\nretry-after: /i.test(head)) withoutRetryAfter++;
    const isJson = /\r\ncontent-type: application\/json/i.test(head);
    if (status === 200 && durations.push(seconds) % SAMPLED === 1 && isJson) {
      const { timing } = JSON.parse(body) as Partial<Prediction>;
      if (timing) timings.push(timing);
    }
    if (status === 200 && keepsAnswers) {
      const { classIndex, profile, certified } = JSON.parse(body) as Prediction;
      answers.push({ image, atSeconds: monotonicSeconds() - started, classIndex, profile, certified });
    }
  }

  /** Waits until a connection may send its next request. The connections take turns. */
  async function untilDue(connection: number, turn: number): Promise<void> {
    if (requestsPerSecond === undefined) return;
    const due = started + (turn * connections + connection) / requestsPerSecond;
    const early = due - monotonicSeconds();
    if (early > 0) await sleep(1000 * early);
  }

  const opened: KeepAliveConnection[] = [];
  /** Clients of gRPC send several calls at once on one connection. */
  function connectionOf(index: number): KeepAliveConnection {
    const at = form === 'grpc' ? Math.floor(index / CALLS_PER_CONNECTION) : index;
    opened[at] ??= connect(target);
    return opened[at];
  }

  async function drive(index: number): Promise<void> {
    const connection = connectionOf(index);
    for (let turn = 0; ; turn++) {
      await untilDue(index, turn);
      if (isOver()) break;
      const image = sent++ % requests.length;
      try {
        count(await connection.exchange(requests[image] as Uint8Array), image);
      } catch (error) {
        const reason = messageOf(error);
        unanswered[reason] = (unanswered[reason] ?? 0) + 1;
      }
    }
  }

  await Promise.all(Array.from({ length: connections }, (_, index) => drive(index)));
  for (const connection of opened) connection.close();
  const { user, system } = process.cpuUsage(cpuBefore);
  const medianOf = (part: keyof Prediction['timing']): number =>
    median(timings.map((timing) => timing[part]));
  return {
    seconds: monotonicSeconds() - started,
    sent,
    statuses,
    unanswered,
    withoutRetryAfter,
    clientCpuSeconds: (user + system) / 1e6,
    latencyMs: { median: 1000 * median(durations), p99: 1000 * quantile(durations, 0.99) },
    timingMs: {
      decodeMs: medianOf('decodeMs'),
      queueMs: medianOf('queueMs'),
      inferMs: medianOf('inferMs'),
      totalMs: medianOf('totalMs'),
    },
    answers,
  };
}
