// What the live audit costs under saturating load: the same load on a server without audits and on one with, in turn.
// Exit code 1 if throughput falls by more than the audits' own share of compute, or p99 rises by more than a tenth.
// Usage: node dist/bench/audit.js [models folder] [model] [profile] [seconds] [rounds]
import process from 'node:process';
import { startLoadClient } from '../src/benchmark/load.js';
import { median } from '../src/benchmark/quantile.js';
import { type ServerProcess, startServer } from '../src/benchmark/server-process.js';
import { formatTable } from '../src/cli/table.js';
import { UsageError } from '../src/errors.js';
import type { Prediction } from '../src/inference/prediction.js';
import { sumOf } from '../src/telemetry/metrics-text.js';
import { goldenImages } from './golden-images.js';
import { reportPromises } from './promises.js';

const [models = 'models', model, profile = '', secondsText = '10', roundsText = '3'] = process.argv.slice(2);
const FRACTION = 0.05;
const CONNECTIONS = 32;
/** What two measurements of the same thing may differ by. */
const NOISE = 0.02;

const { name, images } = await goldenImages(models, model);
const start = (auditFraction: number) =>
  startServer({ models, defaultModel: name, workers: 1, auditFraction, reloadSeconds: 0 });
const [without, audited] = [await start(0), await start(FRACTION)];
const urlOf = ({ url }: ServerProcess, wanted = profile) =>
  `${url}/classify${wanted === '' ? '' : `?profile=${wanted}`}`;

/** Traffic that keeps the certificate's promise, or an alarm would end it; all of it leaves early, the dearest case. */
const chosen: Buffer[] = [];
for (const image of images) {
  const [early, full] = [
    await answerOf(urlOf(without), image),
    await answerOf(urlOf(without, 'full'), image),
  ];
  if (early.label === full.label && early.exit.reason === 'confident') chosen.push(image);
}
if (chosen.length === 0) throw new UsageError('No golden image leaves early under that profile.');
const base64 = chosen.map((image) => image.toString('base64'));

const client = startLoadClient();

interface Round {
  readonly imagesPerSecond: number;
  readonly p99Ms: number;
  /** Of the server, all threads. */
  readonly cpuMs: number;
}

async function measure(server: ServerProcess, seconds: number): Promise<Round> {
  const cpuSeconds = async () => sumOf(await server.metrics(), 'process_cpu_seconds_total');
  const started = await cpuSeconds();
  const load = await client.apply({
    url: urlOf(server),
    images: base64,
    connections: CONNECTIONS,
    extent: { seconds },
  });
  const answered = load.statuses['200'] ?? 0;
  const cpuMs = (1000 * ((await cpuSeconds()) - started)) / answered;
  return { imagesPerSecond: answered / load.seconds, p99Ms: load.latencyMs.p99, cpuMs };
}

const seconds = Number(secondsText);
for (const server of [without, audited]) await measure(server, seconds);
const before = await audited.metrics();
const rounds: Record<'without' | 'audited', Round[]> = { without: [], audited: [] };
for (let round = 0; round < Number(roundsText); round++) {
  // In turn first and second, so that a machine that gets slower favours neither.
  const order = [
    ['without', without],
    ['audited', audited],
  ] as const;
  for (const [which, server] of round % 2 === 0 ? order : order.toReversed()) {
    rounds[which].push(await measure(server, seconds));
  }
}
const after = await audited.metrics();
client.close();
await Promise.all([without.stop(), audited.stop()]);

const grown = (metric: string, labels = {}) => sumOf(after, metric, labels) - sumOf(before, metric, labels);
const auditSeconds = grown('rdi_audit_engine_seconds_total');
const share = auditSeconds / grown('rdi_stage_duration_seconds_sum');
const of = (which: keyof typeof rounds, figure: keyof Round) =>
  median(rounds[which].map((one) => one[figure]));
/** Each round with the one beside it: what disturbs the machine for longer disturbs both. */
const ratio = (figure: keyof Round) =>
  median(rounds.audited.map((round, at) => round[figure] / (rounds.without[at]?.[figure] ?? Number.NaN)));
const slower = 1 - ratio('imagesPerSecond');
const later = ratio('p99Ms') - 1;
const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
const compared = grown('rdi_audit_samples_total', { result: 'agreed' });
const dropped = grown('rdi_audit_samples_total', { result: 'dropped' });
process.stdout.write(
  formatTable(
    ['what:', 'without', `audited at ${percent(FRACTION)}`],
    [
      [
        'images/s',
        Math.round(of('without', 'imagesPerSecond')),
        Math.round(of('audited', 'imagesPerSecond')),
      ],
      [
        'CPU of the server for an image, ms',
        of('without', 'cpuMs').toFixed(2),
        of('audited', 'cpuMs').toFixed(2),
      ],
      ['p99, ms', of('without', 'p99Ms').toFixed(1), of('audited', 'p99Ms').toFixed(1)],
      ["audits' share of the engine's time", '', percent(share)],
      ['answers compared', '', compared],
      ['samples dropped', '', dropped],
    ],
  ),
);
reportPromises([
  ['audits ran', compared > 0 && auditSeconds > 0, `${compared}`],
  ['there was no alarm', sumOf(after, 'rdi_audit_alarm') === 0, 'an alarm'],
  ['audits took no more than their share of the engine', share <= FRACTION * 1.05, percent(share)],
  ['throughput fell by no more than that', slower <= share + NOISE, percent(slower)],
  ['p99 rose by no more than a tenth', later <= 0.1, percent(later)],
]);

async function answerOf(url: string, image: Buffer): Promise<Prediction> {
  const response = await fetch(url, {
    method: 'POST',
    body: Uint8Array.from(image),
    headers: { 'content-type': 'image/png' },
  });
  return (await response.json()) as Prediction;
}
