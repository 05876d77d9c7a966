// Simulates clients against the test of src/serving/slowdown/: honest ones over their life, and ones that mix other images
// in. Where images leave is drawn from the certificate, and for the others from evaluations (`evaluate --json`).
// Exit code 1 if more honest clients alarm than α allows. No server runs.
// Usage: node dist/bench/slowdown.js PACKAGE [--alpha α] [--share s] [--clients n] [--images n] [EVALUATION.json …]
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { costEvidence, createCostEvidence, observeCost } from '../src/calibration/statistics/cost-monitor.js';
import { defaultOf } from '../src/config/settings.js';
import type { Evaluation } from '../src/evaluation/report.js';
import { UsageError } from '../src/foundation/errors.js';
import { positiveInteger, positiveNumber } from '../src/foundation/numbers.js';
import { createUniform } from '../src/foundation/random.js';
import { pathsOf } from '../src/network/execution-path.js';
import { loadPackage } from '../src/packages/package.js';
import { formatTable, percent } from '../src/report/table.js';
import { type CostSubject, expectedCost } from '../src/serving/slowdown/expected-cost.js';
import { reportPromises } from './load/promises.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    alpha: { type: 'string', default: `${defaultOf('slowdownAlpha')}` },
    tolerance: { type: 'string', default: '0' },
    share: { type: 'string', default: '0.3' },
    clients: { type: 'string', default: '1000' },
    images: { type: 'string', default: '100000' },
  },
});
const [folder, ...evaluations] = positionals;
if (folder === undefined)
  throw new UsageError('Give the folder of a package, such as models/rdi-resnet38/7.');
const [alpha, clients, images] = [
  positiveNumber(values.alpha),
  positiveInteger(values.clients),
  positiveInteger(values.images),
];
const [share, tolerance] = [Number(values.share), Number(values.tolerance)];
/** Images after which a client that is not found counts as not found. */
const PATIENCE = 10_000;
/** Good images before the first slow one, of a client that turns. */
const GOOD = 10_000;

const { manifest, profiles } = await loadPackage(folder);

/** Shares of the images that leave at each exit, per evaluation that has the profile. */
async function readShares(profile: string): Promise<{ name: string; shares: number[] }[]> {
  const read = await Promise.all(
    evaluations.map(async (file) => JSON.parse(await readFile(file, 'utf8')) as Evaluation),
  );
  return read.flatMap(({ dataSet, profiles: evaluated }) => {
    const found = evaluated.find((one) => one.profile === profile);
    return found ? [{ name: dataSet.name, shares: found.exits.map((exit) => exit.share) }] : [];
  });
}

/** A random exit by shares, from a table of equally likely ones: a draw costs one look-up. */
function createDraw(shares: readonly number[], uniform: () => number): () => number {
  const SIZE = 1 << 16;
  const table = new Uint8Array(SIZE).fill(shares.findLastIndex((one) => one > 0));
  let from = 0;
  shares.forEach((one, exit) => {
    const to = from + one * SIZE;
    table.fill(exit, Math.round(from), Math.round(to));
    from = to;
  });
  return () => table[Math.floor(uniform() * SIZE)] as number;
}

/** Images until the alarm, after `good` images by the first shares; Infinity: none within `most`. */
function alarmAfter(
  odds: readonly number[],
  draws: readonly [() => number, () => number],
  good: number,
  most: number,
) {
  const evidence = createCostEvidence();
  for (let image = 0; image < good + most; image++) {
    observeCost(evidence, odds[draws[image < good ? 0 : 1]()] as number);
    if (costEvidence(evidence) >= 1 / alpha) return image + 1 - good;
  }
  return Number.POSITIVE_INFINITY;
}

/** How many of the clients that keep to these shares alarm. */
function honestAlarms(odds: readonly number[], shares: readonly number[]): number {
  let alarmed = 0;
  for (let client = 0; client < clients; client++) {
    const draw = createDraw(shares, createUniform(client + 1));
    if (Number.isFinite(alarmAfter(odds, [draw, draw], 0, images))) alarmed++;
  }
  return alarmed;
}

/** The shares at which the mean of the odds is exactly 1: behind each side exit go as many images as its bound allows. */
function deepestHonest(odds: readonly number[], path: readonly { readonly exit: number }[]): number[] {
  const shares = odds.map(() => 0);
  let before = 1;
  for (const [index, { exit }] of path.entries()) {
    const next = path[index + 1];
    const behind = next ? 1 / ((path.length - 1) * ((odds[next.exit] ?? 0) - (odds[exit] ?? 0))) : 0;
    shares[exit] = before - behind;
    before = behind;
  }
  return shares;
}

/** The delays of many clients, sorted. */
function delays(
  odds: readonly number[],
  calm: readonly number[],
  then: readonly number[],
  good: number,
): number[] {
  return Array.from({ length: 200 }, (_, seed) => {
    const uniform = createUniform(seed + 1);
    return alarmAfter(odds, [createDraw(calm, uniform), createDraw(then, uniform)], good, PATIENCE);
  }).sort((one, other) => one - other);
}

const shown = (images: number | undefined) => (Number.isFinite(images) ? `${images}` : `over ${PATIENCE}`);
const promises: [string, boolean, string][] = [];
const rows: string[][] = [];
for (const [name, profile] of profiles) {
  const subject: CostSubject = { ...profile, paths: pathsOf(manifest.exits, profile) };
  const cost = expectedCost(subject, tolerance);
  const expected = profile.certificate?.certificate.exitShares;
  if (!cost || !expected) continue;
  const path = subject.paths.at(-1) ?? [];
  const deepest = deepestHonest(cost.odds, path);
  const alarms = [expected, deepest].map((shares) => honestAlarms(cost.odds, shares));
  for (const [index, who] of ['as the calibration images', 'as deep as their bounds allow'].entries()) {
    promises.push([
      `${name}: at most α = ${alpha} of ${clients} clients ${who} alarm in ${images} images: ${alarms[index]}`,
      (alarms[index] ?? 0) <= alpha * clients,
      `${alarms[index]}`,
    ]);
  }
  for (const { name: data, shares } of await readShares(name)) {
    const flopsOf = (mix: readonly number[]) =>
      path.reduce((sum, step) => sum + step.flops * (mix[step.exit] ?? 0), 0);
    for (const part of [share, 1]) {
      const mixed = expected.map((one, exit) => (1 - part) * one + part * (shares[exit] ?? 0));
      const [fresh, turned] = [
        delays(cost.odds, expected, mixed, 0),
        delays(cost.odds, expected, mixed, GOOD),
      ];
      rows.push([
        name,
        data,
        percent(part, 0),
        `${(flopsOf(mixed) / flopsOf(expected)).toFixed(2)}`,
        `${shown(fresh[100])} (${shown(fresh[180])})`,
        shown(turned[100]),
      ]);
    }
  }
}
process.stdout.write(
  formatTable(
    [
      'profile:',
      'images of:',
      'share',
      'compute, of certified',
      'alarm after: median (90 %)',
      `after ${GOOD} good ones`,
    ],
    rows,
  ),
);
reportPromises(promises);
