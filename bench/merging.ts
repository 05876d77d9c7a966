// Compares 32 clients with one: the size of engine calls, the throughput, and the answers. Exit code 1 if, with 32
// clients, calls at the first stage are small, the throughput is not higher, or an answer differs from the one alone.
// Usage: node dist/bench/merging.js [models folder] [model] [profile] [engine] [seconds] [largest batch]
import process from 'node:process';
import { positiveNumber } from '../src/foundation/numbers.js';
import { formatTable } from '../src/report/table.js';
import type { Prediction } from '../src/serving/prediction.js';
import { sumOf } from '../src/telemetry/metrics-text.js';
import { goldenImages } from './load/golden-images.js';
import { startLoadClient } from './load/load.js';
import { reportPromises } from './load/promises.js';
import { startServer } from './load/server-process.js';

const [
  models = 'models',
  model,
  profile = 'full',
  engine = 'tensorflow',
  secondsText = '10',
  maxBatch = '10',
] = process.argv.slice(2);
const seconds = positiveNumber(secondsText);
const CLIENTS = 32;
/** In each round, every client sends one image, and its answer is compared. */
const ROUNDS = 30;
const LEAST_MEAN_BATCH = 8;
/** Scores differ by rounding between batches of different sizes. */
const TOLERANCE = 1e-4;

interface Round {
  readonly clients: number;
  readonly imagesPerSecond: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  /** Mean number of images in an engine call, by stage; NaN if there was no call. */
  readonly meanBatches: readonly number[];
}

const { name, images } = await goldenImages(models, model);
const base64 = images.map((image) => image.toString('base64'));
const client = startLoadClient();
const server = await startServer({ models, defaultModel: name, engine, maxBatch, auditFraction: 0 });
const url = `${server.url}/classify?${new URLSearchParams({ profile })}`;

async function measure(clients: number, seconds: number): Promise<Round> {
  const before = await server.metrics();
  const load = await client.apply({ url, images: base64, connections: clients, extent: { seconds } });
  const after = await server.metrics();
  const exits = new Set(after.flatMap(({ labels }) => labels['stage'] ?? []));
  const meanBatches = [...exits].sort().map((stage) => {
    const grown = (metric: string) => sumOf(after, metric, { stage }) - sumOf(before, metric, { stage });
    return grown('rdi_batch_size_sum') / grown('rdi_batch_size_count');
  });
  return {
    clients,
    imagesPerSecond: (load.statuses['200'] ?? 0) / load.seconds,
    medianMs: load.latencyMs.median,
    p99Ms: load.latencyMs.p99,
    meanBatches,
  };
}

async function answerTo(image: Buffer): Promise<Prediction> {
  const headers = { 'content-type': 'image/png' };
  const response = await fetch(url, { method: 'POST', body: Uint8Array.from(image), headers });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as Prediction;
}

const alone: Prediction[] = [];
for (const image of images) alone.push(await answerTo(image));

await measure(CLIENTS, seconds); // warm-up, until the code of server and client has been optimized
const single = await measure(1, seconds);
const crowd = await measure(CLIENTS, seconds);
client.close();
let differing = 0;
for (let round = 0; round < ROUNDS; round++) {
  const asked = Array.from({ length: CLIENTS }, (_, client) => (round + client) % images.length);
  const answers = await Promise.all(asked.map((index) => answerTo(images[index] as Buffer)));
  differing += answers.filter((answer, client) => differs(answer, alone[asked[client] as number])).length;
}
await server.stop();

function differs(answer: Prediction, expected: Prediction | undefined): boolean {
  const { classIndex, exit } = answer;
  const isSame = classIndex === expected?.classIndex && exit.index === expected.exit.index;
  return !isSame || Math.abs(exit.score - expected.exit.score) > TOLERANCE;
}

process.stdout.write(
  formatTable(
    ['clients', 'images/s', 'median, ms', 'p99, ms', 'images in an engine call, by stage'],
    [single, crowd].map((one) => [
      one.clients,
      Math.round(one.imagesPerSecond),
      one.medianMs.toFixed(1),
      one.p99Ms.toFixed(1),
      one.meanBatches.map((mean) => (Number.isNaN(mean) ? '-' : mean.toFixed(1))).join(', '),
    ]),
  ),
);
const first = crowd.meanBatches.find((mean) => !Number.isNaN(mean)) ?? 0;
const gain = crowd.imagesPerSecond / single.imagesPerSecond;
reportPromises([
  [
    `a crowd's calls at the first stage have ${LEAST_MEAN_BATCH} images`,
    first >= LEAST_MEAN_BATCH,
    `${first}`,
  ],
  ['it is answered faster than one at a time', gain > 1, `${gain.toFixed(2)} times as fast`],
  [`none of ${ROUNDS * CLIENTS} answers differs`, differing === 0, `${differing} differ`],
]);
