// Sends more than ten times the server's capacity for half a minute. Exit code 1 unless memory stays bounded, every
// request is answered with a prediction or with 503 and Retry-After, probes are answered in time, and no image waits
// or is in flight a second later.
// Usage: node dist/bench/overload.js [models folder] [model] [seconds]
import { once } from 'node:events';
import { get } from 'node:http';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicSeconds } from '../src/foundation/clock.js';
import { positiveNumber } from '../src/foundation/numbers.js';
import { median, quantile } from '../src/foundation/quantile.js';
import { formatTable } from '../src/report/table.js';
import { sumOf } from '../src/telemetry/metrics-text.js';
import { goldenImages } from './load/golden-images.js';
import { probeLatency } from './load/latency-probe.js';
import { type LoadResult, startLoadClient } from './load/load.js';
import { reportPromises } from './load/promises.js';
import { startServer } from './load/server-process.js';

const [models = 'models', model, secondsText = '30'] = process.argv.slice(2);
const seconds = positiveNumber(secondsText);
/** Times the capacity. More than ten, because a connection sends no request while it waits for an answer. */
const OVERLOAD = 13;
/** CPU cores. A client that needs more might itself limit the load. */
const CLIENT_LIMIT = 0.8;
const CAPACITY_SECONDS = 5;
const PROBES_PER_SECOND = 10;
const PROBE_P99_MS = 100;
/** The default timeout of a kubelet's probe. */
const PROBE_PATIENCE_MS = 1000;
const MIB = 2 ** 20;
/** Allowed variation of memory after the server has reached its highest load. */
const MEMORY_SWING_BYTES = 64 * MIB;

const { name, images } = await goldenImages(models, model);
const base64 = images.map((image) => image.toString('base64'));
// One worker leaves a core to the load client and the server's event loop.
const server = await startServer({ models, defaultModel: name, workers: 1, auditFraction: 0 });
const url = `${server.url}/classify?profile=full`;

const answered = ({ statuses }: LoadResult): number => statuses['200'] ?? 0;
const before = await probeLatency(url, images, 1);
const extent = { seconds: CAPACITY_SECONDS };
const client = startLoadClient();
const calm = await client.apply({ url, images: base64, connections: 32, extent });
const capacity = answered(calm) / calm.seconds;

const memory: number[] = [];
const probes: number[] = [];
const probing = setInterval(async () => probes.push(await probeLiveness()), 1000 / PROBES_PER_SECOND);
const watching = setInterval(async () => {
  memory.push(sumOf(await server.metrics(), 'process_resident_memory_bytes'));
}, 1000);
const load = await client.apply({
  url,
  images: base64,
  connections: 1000,
  extent: { seconds },
  requestsPerSecond: Math.ceil(OVERLOAD * capacity),
});
clearInterval(probing);
clearInterval(watching);
await sleep(1000);
const after = await server.metrics();
const recovered = await probeLatency(url, images, 1);
client.close();
await server.stop();

/** Opens a new connection, as a kubelet does. @returns milliseconds; infinity if the server does not answer with 200 */
async function probeLiveness(): Promise<number> {
  const started = monotonicSeconds();
  const request = get(`${server.url}/livez`, { agent: false });
  const [response] = await once(request, 'response');
  response.resume();
  return response.statusCode === 200 ? 1000 * (monotonicSeconds() - started) : Number.POSITIVE_INFINITY;
}

const heard = load.sent / load.seconds / capacity;
const clientCores = load.clientCpuSeconds / load.seconds;
const rejected = load.statuses['503'] ?? 0;
const others = Object.entries(load.statuses).filter(([status]) => status !== '200' && status !== '503');
const third = Math.floor(memory.length / 3);
const early = Math.max(...memory.slice(0, third));
const late = Math.max(...memory.slice(-third));
const slowest = Math.max(...probes);
const probeP99 = quantile(probes, 0.99);
const milliseconds = (seconds: number): string => (1000 * seconds).toFixed(2);
process.stdout.write(
  formatTable(
    ['what:', 'value'],
    [
      ['capacity, images/s', Math.round(capacity)],
      ['requested, times capacity', OVERLOAD],
      ['requests read, times capacity', heard.toFixed(1)],
      ['answered, images/s', Math.round(answered(load) / load.seconds)],
      ['median latency of these, ms', load.latencyMs.median.toFixed(0)],
      ['p99 latency of these, ms', load.latencyMs.p99.toFixed(0)],
      ['answered with 503', rejected],
      ['largest memory in the first third, MiB', Math.round(early / MIB)],
      ['largest memory in the last third, MiB', Math.round(late / MIB)],
      ['probe over a new connection, median, ms', median(probes).toFixed(0)],
      ['p99 probe, ms', probeP99.toFixed(0)],
      ['slowest probe, ms', slowest.toFixed(0)],
      ['idle median before the load, ms', milliseconds(before.medianSeconds)],
      ['idle median a second after the load, ms', milliseconds(recovered.medianSeconds)],
    ],
  ),
);
reportPromises([
  [
    'the client did not limit the load',
    clientCores < CLIENT_LIMIT,
    `it took ${clientCores.toFixed(2)} cores`,
  ],
  [
    'no request without an answer',
    Object.keys(load.unanswered).length === 0,
    JSON.stringify(load.unanswered),
  ],
  ['every answer is a prediction or 503', others.length === 0, JSON.stringify(Object.fromEntries(others))],
  [
    'some requests were answered and some refused',
    answered(load) > 0 && rejected > 0,
    JSON.stringify(load.statuses),
  ],
  ['every 503 has Retry-After', load.withoutRetryAfter === 0, `${load.withoutRetryAfter} without`],
  [
    `99 of 100 probes take at most ${PROBE_P99_MS} ms`,
    probeP99 <= PROBE_P99_MS,
    `p99 ${probeP99.toFixed(0)} ms`,
  ],
  ['every probe is answered in time', slowest <= PROBE_PATIENCE_MS, `one took ${slowest.toFixed(0)} ms`],
  [
    'memory is bounded',
    late <= early + MEMORY_SWING_BYTES,
    `it grew by ${Math.round((late - early) / MIB)} MiB`,
  ],
  [
    'after a second nothing waits and nothing is in flight',
    sumOf(after, 'rdi_in_flight') === 0 && sumOf(after, 'rdi_queue_depth') === 0,
    `${sumOf(after, 'rdi_in_flight')} in flight`,
  ],
]);
