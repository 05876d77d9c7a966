// What the settings for crowds and attackers cost while nobody is refused, degraded or found: the same load in turn on
// servers with all of them off, with one of them, and with all. Exit code 1 if two servers with all of them off differ.
// Usage: node dist/bench/settings/cost.js [models folder] [model] [seconds] [rounds]
import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createApiKey } from '../../src/access/keys-file.js';
import type { SettingName } from '../../src/config/settings.js';
import { UsageError } from '../../src/foundation/errors.js';
import { positiveInteger, positiveNumber } from '../../src/foundation/numbers.js';
import { median } from '../../src/foundation/quantile.js';
import { formatTable } from '../../src/report/table.js';
import { readMetrics, sumOf } from '../../src/telemetry/metrics-text.js';
import { atEnd } from '../load/at-end.js';
import { goldenImages } from '../load/golden-images.js';
import { startLoadClient } from '../load/load.js';
import { reportPromises } from '../load/promises.js';
import { serverCosts } from '../load/server-costs.js';
import { startServer } from '../load/server-process.js';

const [models = 'models', model, secondsText = '5', roundsText = '5'] = process.argv.slice(2);
const [seconds, rounds] = [positiveNumber(secondsText), positiveInteger(roundsText)];
const CONNECTIONS = 16;
const WARM_UP_SECONDS = 2;
/** Between two measurements of the same server program. */
const NOISE = 0.03;

type Settings = Partial<Record<SettingName, string | number>>;

const folder = await mkdtemp(join(tmpdir(), 'rdi-settings-'));
atEnd(() => rmSync(folder, { recursive: true, force: true }));
const { key, line } = createApiKey('client');
const apiKeysFile = join(folder, 'keys');
/** A budget that nobody uses up. */
await writeFile(apiKeysFile, `${line}\nclient flops-per-second=9e14\n`);

const budgets: Settings = { apiKeysFile };
/** Nobody is found: the images that are sent leave first of all. */
const slowdown: Settings = { slowdownAction: 'slow-lane' };
/** Nobody is degraded: nobody waits for a minute. */
const ladder: Settings = { ladder: 'balanced,fast', ladderTargetMs: 60_000 };
const privacy: Settings = { privacy: 'coarse', privacyIntervalMs: 1 };
const variants: readonly (readonly [name: string, settings: Settings])[] = [
  ['all off, once more', {}],
  ['budgets and fair sharing', budgets],
  ['slowdown detection', slowdown],
  ['ladder', ladder],
  ['privacy coarse', privacy],
  ['all on', { ...budgets, ...slowdown, ...ladder, ...privacy }],
];

const { name, images } = await goldenImages(models, model);
const load = { images: (await leavingFirst()).map(toBase64), connections: CONNECTIONS };
const client = startLoadClient();

function toBase64(image: Buffer): string {
  return image.toString('base64');
}

/** The images that leave first. */
async function leavingFirst(): Promise<Buffer[]> {
  const server = await startServer({ models, defaultModel: name, workers: 1 });
  const exits = await Promise.all(
    images.map(async (body) => {
      const headers = { 'content-type': 'image/png' };
      const response = await fetch(`${server.url}/classify`, {
        method: 'POST',
        headers,
        body: new Blob([body as never]),
      });
      return Number(response.headers.get('x-exit-index'));
    }),
  );
  await server.stop();
  const first = exits.reduce((least, exit) => Math.min(least, exit));
  return images.filter((_, index) => exits[index] === first);
}

interface Figures {
  readonly imagesPerSecond: number;
  /** CPU time of the server for an image, all threads. */
  readonly cpuMs: number;
  readonly p99Ms: number;
}

async function measure(settings: Settings): Promise<Figures> {
  const server = await startServer({
    ...{ models, defaultModel: name, workers: 1, auditFraction: 0, reloadSeconds: 0 },
    ...settings,
  });
  const headers = { authorization: `Bearer ${key}` };
  const metrics = async () => {
    const response = await fetch(`${server.url}/metrics`, { headers });
    return readMetrics(await response.text());
  };
  const apply = (duration: number) =>
    client.apply({ ...load, url: `${server.url}/classify`, headers, extent: { seconds: duration } });
  await apply(WARM_UP_SECONDS);
  const before = await metrics();
  const { statuses, latencyMs, seconds: lasted } = await apply(seconds);
  const after = await metrics();
  await server.stop();
  if (sumOf(after, 'rdi_slowdown_alarms_total') > 0) {
    throw new UsageError(`The golden inputs of ${name} go so deep that slowdown detection finds the client.`);
  }
  const cpu = serverCosts(before, after).cpuSeconds;
  const answers = statuses['200'] ?? 0;
  return { imagesPerSecond: answers / lasted, cpuMs: (1000 * cpu) / answers, p99Ms: latencyMs.p99 };
}

/** By variant: its figures relative to those of all off, in each round. */
const ratios = variants.map((): Figures[] => []);
for (let round = 0; round < rounds; round++) {
  const off = await measure({});
  // The order turns around, so that a machine that becomes slower does so for all.
  const order = round % 2 === 0 ? [...variants.keys()] : [...variants.keys()].reverse();
  for (const index of order) {
    const { imagesPerSecond, cpuMs, p99Ms } = await measure(variants[index]?.[1] ?? {});
    ratios[index]?.push({
      imagesPerSecond: imagesPerSecond / off.imagesPerSecond,
      cpuMs: cpuMs / off.cpuMs,
      p99Ms: p99Ms / off.p99Ms,
    });
  }
}
client.close();

const middle = (of: readonly Figures[], figure: keyof Figures): number =>
  median(of.map((one) => one[figure]));
process.stdout.write(`${name}, ${CONNECTIONS} connections; medians of ${rounds} ratios to all off\n\n`);
process.stdout.write(
  formatTable(
    ['with', 'images/s', 'CPU for an image', 'p99'],
    variants.map(([what], index) =>
      [what, ...(['imagesPerSecond', 'cpuMs', 'p99Ms'] as const)].map((cell, column) =>
        column === 0 ? cell : middle(ratios[index] ?? [], cell as keyof Figures).toFixed(3),
      ),
    ),
  ),
);
const same = middle(ratios[0] ?? [], 'cpuMs');
reportPromises([
  ['two servers with all of them off cost the same', Math.abs(same - 1) <= NOISE, `${same.toFixed(3)} times`],
]);
