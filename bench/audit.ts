// Measures the cost of the live audit under saturating load: the same load in turn on servers without and with audits.
// Exit code 1 if throughput falls by more than the audits' share of engine time, or p99 rises by more than a tenth.
// Usage: node dist/bench/audit.js [models folder] [model] [profile] [seconds] [rounds]
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { UsageError } from '../src/foundation/errors.js';
import { positiveInteger, positiveNumber } from '../src/foundation/numbers.js';
import { median } from '../src/foundation/quantile.js';
import { formatTable } from '../src/report/table.js';
import type { Prediction } from '../src/serving/prediction.js';
import { sumOf } from '../src/telemetry/metrics-text.js';
import { goldenImages } from './load/golden-images.js';
import { startLoadClient } from './load/load.js';
import { reportPromises } from './load/promises.js';
import { type ServerProcess, startServer } from './load/server-process.js';

const [models = 'models', model, profile = '', secondsText = '10', roundsText = '3'] = process.argv.slice(2);
const [seconds, rounds] = [positiveNumber(secondsText), positiveInteger(roundsText)];
const FRACTION = 0.05;
const CONNECTIONS = 32;
/** Allowed difference between two measurements of the same throughput. */
const NOISE = 0.02;
const WARM_UP_SECONDS = 3;
const SETTLE_MS = 300;

const { name, images } = await goldenImages(models, model);
const start = (auditFraction: number) =>
  startServer({ models, defaultModel: name, workers: 1, auditFraction, reloadSeconds: 0 });
const urlOf = ({ url }: ServerProcess, wanted = profile) =>
  `${url}/classify${wanted === '' ? '' : `?profile=${wanted}`}`;

/**
 * Images with the same label as the full network, because an alarm would end the audit. All of them leave early, which
 * makes audits most expensive.
 */
async function earlyLeavers(): Promise<string[]> {
  const server = await start(0);
  const chosen: string[] = [];
  for (const image of images) {
    const [early, full] = [
      await answerOf(urlOf(server), image),
      await answerOf(urlOf(server, 'full'), image),
    ];
    if (early.label === full.label && early.exit.reason === 'confident')
      chosen.push(image.toString('base64'));
  }
  await server.stop();
  if (chosen.length === 0) {
    throw new UsageError(
      'No golden image leaves early with the label of the full network. Give another profile.',
    );
  }
  return chosen;
}

async function countersOf(server: ServerProcess) {
  const metrics = await server.metrics();
  return {
    answers: sumOf(metrics, 'rdi_predictions_total'),
    cpuSeconds: sumOf(metrics, 'process_cpu_seconds_total'),
    engineSeconds: sumOf(metrics, 'rdi_stage_duration_seconds_sum'),
    auditSeconds: sumOf(metrics, 'rdi_audit_engine_seconds_total'),
    compared: sumOf(metrics, 'rdi_audit_samples_total', { result: 'agreed' }),
    dropped: sumOf(metrics, 'rdi_audit_samples_total', { result: 'dropped' }),
    alarms: sumOf(metrics, 'rdi_audit_alarm'),
  };
}

interface Round {
  readonly imagesPerSecond: number;
  readonly p99Ms: number;
  /** CPU time of the server per image, all threads. */
  readonly cpuMs: number;
  /** Engine time of audits divided by that of requests. */
  readonly share: number;
  readonly compared: number;
  readonly dropped: number;
  readonly alarms: number;
}

/** Measures one load on a new server process. Two processes of the same program differ by more than audits cost. */
async function measure(auditFraction: number): Promise<Round> {
  const server = await start(auditFraction);
  const loadFor = (duration: number) =>
    client.apply({
      url: urlOf(server),
      images: chosen,
      connections: CONNECTIONS,
      extent: { seconds: duration },
    });
  await loadFor(WARM_UP_SECONDS);
  await setTimeout(SETTLE_MS);
  const before = await countersOf(server);
  // The metrics are read before the load ends, because remaining samples are audited later at no cost for requests.
  const [{ seconds: lasted, statuses, latencyMs }, after] = await Promise.all([
    loadFor(seconds),
    setTimeout(seconds * 1000 - SETTLE_MS).then(() => countersOf(server)),
  ]);
  await server.stop();
  const grown = (counter: keyof typeof after) => after[counter] - before[counter];
  return {
    imagesPerSecond: (statuses['200'] ?? 0) / lasted,
    p99Ms: latencyMs.p99,
    cpuMs: (1000 * grown('cpuSeconds')) / grown('answers'),
    share: grown('auditSeconds') / grown('engineSeconds'),
    compared: grown('compared'),
    dropped: grown('dropped'),
    alarms: after.alarms,
  };
}

const client = startLoadClient();
const chosen = await earlyLeavers();
const without: Round[] = [];
const audited: Round[] = [];
for (let round = 0; round < rounds; round++) {
  // The order alternates, so that a machine that becomes slower affects both alike.
  const isAuditedFirst = round % 2 === 1;
  if (isAuditedFirst) audited.push(await measure(FRACTION));
  without.push(await measure(0));
  if (!isAuditedFirst) audited.push(await measure(FRACTION));
}
client.close();

const medianOf = (of: readonly Round[], figure: keyof Round) => median(of.map((round) => round[figure]));
const sum = (figure: keyof Round) => audited.reduce((total, round) => total + round[figure], 0);
/** Median of the ratios within each round, because other load on the machine affects both servers of a round. */
const ratio = (figure: keyof Round) =>
  median(audited.map((round, at) => round[figure] / (without[at]?.[figure] ?? Number.NaN)));
const slower = 1 - ratio('imagesPerSecond');
const later = ratio('p99Ms') - 1;
const share = medianOf(audited, 'share');
const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
const row = (what: string, figure: keyof Round, digits: number) => [
  what,
  medianOf(without, figure).toFixed(digits),
  medianOf(audited, figure).toFixed(digits),
];
process.stdout.write(
  formatTable(
    ['what:', 'without', `audited at ${percent(FRACTION)}`],
    [
      row('images/s', 'imagesPerSecond', 0),
      row('CPU of the server for an image, ms', 'cpuMs', 2),
      row('p99, ms', 'p99Ms', 1),
      ["engine time of audits over requests'", '', percent(share)],
      ['answers compared', '', sum('compared')],
      ['samples dropped', '', sum('dropped')],
    ],
  ),
);
reportPromises([
  ['audits ran', sum('compared') > 0 && share > 0, `${sum('compared')}`],
  ['there was no alarm', sum('alarms') === 0, 'an alarm'],
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
