// Two clients with API keys, one modest and one greedy, which has a budget and asks for 50 times as much. Exit code 1
// unless the modest client's p99 latency is at most a tenth above that beside a neighbour which keeps to its budget, and
// what is executed for the greedy one is its budget to 2 %. Then both without budgets, with keys of their own and with
// one key, as without fair sharing.
// Usage: node dist/bench/fairness.js [models folder] [model] [seconds] [greedy client's share of the capacity]
import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { createApiKey } from '../src/access/keys-file.js';
import { monotonicSeconds } from '../src/foundation/clock.js';
import { positiveNumber } from '../src/foundation/numbers.js';
import { mean, median } from '../src/foundation/quantile.js';
import { formatTable } from '../src/report/table.js';
import { readMetrics, sumOf } from '../src/telemetry/metrics-text.js';
import { atEnd } from './load/at-end.js';
import { goldenImages } from './load/golden-images.js';
import { type LoadResult, startLoadClient } from './load/load.js';
import { reportPromises } from './load/promises.js';
import { startServer } from './load/server-process.js';

const [models = 'models', model = 'rdi-resnet38', secondsText = '60', shareText = '0.02'] =
  process.argv.slice(2);
const seconds = positiveNumber(secondsText);
const greedyShare = positiveNumber(shareText);
/** Times its budget. */
const GREED = 50;
/** Of the capacity. */
const MODEST_SHARE = 0.25;
const CAPACITY_SECONDS = 5;
/** Time in which the greedy client uses up its burst. */
const SETTLE_SECONDS = 2;
/** The modest client's load comes in windows, and the median of their p99 counts: a machine that stalls once spoils one. */
const WINDOW_SECONDS = 3;
const LARGEST_COST = 1.1;
const EXACTNESS = 0.02;

const { name, images } = await goldenImages(models, model);
const load = { images: images.map((image) => image.toString('base64')) };
const [modest, greedy] = [createApiKey('modest'), createApiKey('greedy')];
const folder = await mkdtemp(join(tmpdir(), 'rdi-fairness-'));
atEnd(() => rmSync(folder, { recursive: true, force: true }));
const keysFile = join(folder, 'keys');
const writeKeys = (...settings: string[]) =>
  writeFile(keysFile, [modest.line, greedy.line, ...settings, ''].join('\n'));
await writeKeys();
/** One worker leaves a core to the load clients and the server's event loop. */
const server = await startServer({
  models,
  defaultModel: name,
  workers: 1,
  auditFraction: 0,
  reloadSeconds: 0,
  apiKeysFile: keysFile,
});
const modestClient = startLoadClient();
/** The greedy client's own work shall cost the modest one nothing: in reality it runs elsewhere. */
const greedyClient = startLoadClient({ niceness: 19 });
const url = `${server.url}/classify`;
const headersOf = ({ key }: { readonly key: string }) => ({ authorization: `Bearer ${key}` });

const calm = await modestClient.apply({
  ...load,
  url,
  headers: headersOf(modest),
  connections: 32,
  extent: { seconds: CAPACITY_SECONDS },
});
const capacity = (calm.statuses['200'] ?? 0) / calm.seconds;
const flopsPerImage = (await flopsOf('modest')) / (calm.statuses['200'] ?? 1);
const budget = Math.round(greedyShare * capacity * flopsPerImage);

async function flopsOf(client: string): Promise<number> {
  const response = await fetch(`${server.url}/metrics`, { headers: headersOf(modest) });
  return sumOf(readMetrics(await response.text()), 'rdi_client_flops_total', { client });
}

/** Applies changed keys at once. */
async function setKeys(...settings: string[]): Promise<void> {
  await writeKeys(...settings);
  process.kill(server.pid, 'SIGHUP');
  await sleep(1000);
}

async function loadOfModest(extent: number, key = modest): Promise<LoadResult[]> {
  const windows: LoadResult[] = [];
  for (let left = Math.max(1, Math.floor(extent / WINDOW_SECONDS)); left > 0; left--) {
    windows.push(
      await modestClient.apply({
        ...load,
        url,
        headers: headersOf(key),
        connections: 16,
        extent: { seconds: WINDOW_SECONDS },
        requestsPerSecond: MODEST_SHARE * capacity,
      }),
    );
  }
  return windows;
}

function loadOfGreedy(extent: number, times: number): Promise<LoadResult> {
  return greedyClient.apply({
    ...load,
    url,
    headers: headersOf(greedy),
    connections: 64,
    extent: { seconds: extent },
    requestsPerSecond: times * greedyShare * capacity,
  });
}

/** Both clients; the first seconds do not count. @param times the budget that the greedy client asks for */
async function beside(times: number, extent: number) {
  const neighbour = loadOfGreedy(SETTLE_SECONDS + extent, times);
  await sleep(SETTLE_SECONDS * 1000);
  const [started, before] = [monotonicSeconds(), await flopsOf('greedy')];
  const windows = await loadOfModest(extent - WINDOW_SECONDS);
  const [ended, after] = [monotonicSeconds(), await flopsOf('greedy')];
  return { windows, neighbour: await neighbour, share: (after - before) / ((ended - started) * budget) };
}

/** Both without budgets; the greedy client sends as fast as it is answered. */
async function besideUnlimited(extent: number, key: typeof modest): Promise<LoadResult[]> {
  const neighbour = greedyClient.apply({
    ...load,
    url,
    headers: headersOf(greedy),
    connections: 64,
    extent: { seconds: extent + 1 },
  });
  await sleep(1000);
  const windows = await loadOfModest(extent - WINDOW_SECONDS, key);
  await neighbour;
  return windows;
}

await setKeys(`greedy flops-per-second=${budget}`);
const short = seconds / 4;
// There and back, so that a machine that becomes slower does so for all.
const alone = await loadOfModest(short);
const atBudget = (await beside(1, short)).windows;
const atGreed = await beside(GREED, seconds);
atBudget.push(...(await beside(1, short)).windows);
alone.push(...(await loadOfModest(short)));
await setKeys();
const fair = await besideUnlimited(short, modest);
const inOneLine = await besideUnlimited(short, greedy);
modestClient.close();
greedyClient.close();
await server.stop();

const latency = (windows: readonly LoadResult[], which: 'median' | 'p99'): number =>
  median(windows.map(({ latencyMs }) => latencyMs[which]));
const row = (what: string, windows: readonly LoadResult[]): string[] => [
  what,
  latency(windows, 'median').toFixed(1),
  latency(windows, 'p99').toFixed(1),
  mean(windows.map(({ statuses, seconds: lasted }) => (statuses['200'] ?? 0) / lasted)).toFixed(0),
];
process.stdout.write(
  `${name}: capacity ${Math.round(capacity)} images/s with one worker, of which the modest client asks for ` +
    `${100 * MODEST_SHARE} % and the greedy one has ${100 * greedyShare} %\n\n`,
);
process.stdout.write(
  formatTable(
    ['the modest client:', 'median, ms', 'p99, ms', 'answers/s'],
    [
      row('alone', alone),
      row('beside a neighbour at its budget', atBudget),
      row(`beside one at ${GREED} times its budget`, atGreed.windows),
      row('without budgets, beside one without limit', fair),
      row('the same with one key for both', inOneLine),
    ],
  ),
);
const { statuses, seconds: lasted } = atGreed.neighbour;
process.stdout.write(
  `\nthe greedy client: ${Math.round((statuses['200'] ?? 0) / lasted)} answers/s, ` +
    `${Math.round((statuses['429'] ?? 0) / lasted)} refusals/s\n`,
);
const p99 = latency(atGreed.windows, 'p99');
const cost = p99 / latency(atBudget, 'p99');
const refused = [...alone, ...atBudget, ...atGreed.windows, ...fair].filter(({ statuses: of }) =>
  Object.keys(of).some((status) => status !== '200'),
);
const fairP99 = latency(fair, 'p99');
const inOneLineP99 = latency(inOneLine, 'p99');
process.stdout.write(
  `p99 ${cost.toFixed(2)} times that beside a neighbour at its budget, ` +
    `${(p99 / latency(alone, 'p99')).toFixed(2)} times that alone; ` +
    `the greedy client used ${(100 * atGreed.share).toFixed(2)} % of its budget\n`,
);
reportPromises([
  [
    `greed costs the modest client at most ${Math.round(100 * LARGEST_COST - 100)} % of p99`,
    cost <= LARGEST_COST,
    `${cost.toFixed(2)} times the p99 beside a neighbour at its budget`,
  ],
  [
    `what is executed for the greedy client is its budget to ${100 * EXACTNESS} %`,
    Math.abs(atGreed.share - 1) <= EXACTNESS,
    `${(100 * atGreed.share).toFixed(2)} %`,
  ],
  [
    'the modest client is never refused',
    refused.length === 0,
    JSON.stringify(refused.map((one) => one.statuses)),
  ],
  [
    'without budgets, keys of their own shorten its p99',
    fairP99 < inOneLineP99,
    `${fairP99.toFixed(1)} ms against ${inOneLineP99.toFixed(1)} ms`,
  ],
]);
