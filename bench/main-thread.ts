// Measures how many workers one process can keep busy. Compares the throughput of the main thread, with an engine that
// answers at once, with the throughput of one worker with the real engine.
// Usage: node dist/bench/main-thread.js [models folder] [model] [profile] [seconds] [rounds]
import process from 'node:process';
import { positiveInteger, positiveNumber } from '../src/foundation/numbers.js';
import { median } from '../src/foundation/quantile.js';
import { formatTable } from '../src/report/table.js';
import { goldenImages } from './load/golden-images.js';
import { type LoadClient, startLoadClient } from './load/load.js';
import { serverCosts } from './load/server-costs.js';
import { type ServerProcess, startServer } from './load/server-process.js';

const [models = 'models', model, profile = 'full', secondsText = '5', roundsText = '3'] =
  process.argv.slice(2);
const [seconds, rounds] = [positiveNumber(secondsText), positiveInteger(roundsText)];
const CONNECTIONS = 32;
/** Loads before the first measurement, until the code has been optimized. */
const WARM_UP_ROUNDS = 2;

interface Round {
  readonly requestsPerSecond: number;
  /** CPU time of the server per request, all threads. */
  readonly cpuMs: number;
  /** Time of minor garbage collections of the main thread per request. */
  readonly minorGcMs: number;
}

const { name, images } = await goldenImages(models, model);
const settings = { models, defaultModel: name, workers: 1, auditFraction: 0 };

async function measure(server: ServerProcess, client: LoadClient): Promise<Round> {
  const before = await server.metrics();
  const load = await client.apply({
    url: `${server.url}/classify?${new URLSearchParams({ profile })}`,
    images: images.map((image) => image.toString('base64')),
    connections: CONNECTIONS,
    extent: { seconds },
  });
  const { cpuSeconds, minorGcSeconds } = serverCosts(before, await server.metrics());
  const answered = load.statuses['200'] ?? 0;
  return {
    requestsPerSecond: answered / load.seconds,
    cpuMs: (1000 * cpuSeconds) / answered,
    minorGcMs: (1000 * minorGcSeconds) / answered,
  };
}

const subjects = [];
for (const [what, program] of [
  ['engine that answers at once', new URL('./serve-instant.js', import.meta.url)],
  ['real engine, one worker', undefined],
] as const) {
  const server = await startServer(settings, program);
  subjects.push({ what, server, client: startLoadClient(), measured: [] as Round[] });
}
for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
  for (const { server, client, measured } of subjects) {
    const one = await measure(server, client);
    if (round >= 0) measured.push(one);
  }
}
for (const { server, client } of subjects) {
  client.close();
  await server.stop();
}

const figures = subjects.map(({ what, measured }) => ({
  what,
  requestsPerSecond: median(measured.map((one) => one.requestsPerSecond)),
  cpuMs: median(measured.map((one) => one.cpuMs)),
  minorGcMs: median(measured.map((one) => one.minorGcMs)),
}));
const [instant, real] = figures.map((one) => one.requestsPerSecond) as [number, number];
process.stdout.write(
  formatTable(
    ['', 'requests/s', 'server CPU, ms/request', 'minor GC, ms/request'],
    figures.map((one) => [
      one.what,
      Math.round(one.requestsPerSecond),
      one.cpuMs.toFixed(3),
      one.minorGcMs.toFixed(3),
    ]),
  ),
);
process.stdout.write(`\nThe main thread can keep ${(instant / real).toFixed(1)} workers busy.\n`);
