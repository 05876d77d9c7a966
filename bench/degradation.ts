// Sends three times the capacity of a model's default profile for a minute: to a server without a ladder, and to one
// with it, in turns, so that a machine that becomes slower does so for both. Exit code 1 unless every answer is
// certified, the answers that differ from the full network's are within the cheapest certificate of the ladder, the
// ladder gives more answers, and five seconds after the load it is back.
// Usage: node dist/bench/degradation.js [models folder] [model] [ladder] [seconds] [data set] [least gain]
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { ladderNames } from '../src/config/config.js';
import { monotonicSeconds } from '../src/foundation/clock.js';
import { UsageError } from '../src/foundation/errors.js';
import { positiveNumber } from '../src/foundation/numbers.js';
import { median } from '../src/foundation/quantile.js';
import type { ModelPackage } from '../src/packages/package.js';
import { findPackages } from '../src/packages/repository.js';
import { formatTable } from '../src/report/table.js';
import { sumOf } from '../src/telemetry/metrics-text.js';
import { type KeptAnswer, type LoadResult, startLoadClient } from './load/load.js';
import { reportPromises } from './load/promises.js';
import { type ServerProcess, startServer } from './load/server-process.js';
import { imagesToSend } from './peers/images.js';

const [
  models = 'models',
  name = 'rdi-resnet38',
  ladder = 'balanced,fast',
  secondsText = '60',
  data,
  gainText = '1',
] = process.argv.slice(2);
const seconds = positiveNumber(secondsText);
const leastGain = positiveNumber(gainText);
/** Times the capacity of the default profile. */
const OVERLOAD = 3;
/** Times that capacity, after the overload: the server has to answer while it moves back. */
const CALM = 0.5;
/** Turns of each server; the seconds are divided among them. */
const ROUNDS = 4;
const CAPACITY_SECONDS = 5;
const RECOVERY_SECONDS = 5;
const CONNECTIONS = 1000;
const MOST_IMAGES = 1000;

const { packages } = await findPackages(models);
const model = packages.findLast(({ manifest }) => manifest.name === name);
if (!model) throw new UsageError(`There is no model ${name} in "${models}".`);
const { source, contentType, images } = await imagesToSend(model, data, MOST_IMAGES);
const load = { images: images.map(({ bytes }) => Buffer.from(bytes).toString('base64')), contentType };
const client = startLoadClient();
/** One worker leaves a core to the load client and the server's event loop. */
const settings = { models, defaultModel: name, workers: 1, auditFraction: 0 };

interface Outcome {
  readonly load: LoadResult;
  /** From the end of the overload until requests got the default profile again. */
  readonly recoverySeconds: number;
}

const plain = await startServer(settings);
const url = `${plain.url}/classify`;
const calm = await client.apply({ ...load, url, connections: 32, extent: { seconds: CAPACITY_SECONDS } });
const capacity = (calm.statuses['200'] ?? 0) / calm.seconds;
const reference = await client.apply({
  ...load,
  url: `${url}?profile=full`,
  connections: 16,
  extent: { requests: images.length },
  keepsAnswers: true,
});
/** Class by image. */
const full = new Map(reference.answers.map(({ image, classIndex }) => [image, classIndex]));
const laddered = await startServer({ ...settings, ladder });
const without: Outcome[] = [];
const withLadder: Outcome[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const turns = [
    async () => without.push(await overload(plain)),
    async () => withLadder.push(await overload(laddered)),
  ];
  for (const turn of round % 2 === 0 ? turns : turns.reverse()) await turn();
}
const moves = sumOf(await laddered.metrics(), 'rdi_ladder_moves_total', { model: name });
await plain.stop();
await laddered.stop();
client.close();
report(model);

async function overload(server: ServerProcess): Promise<Outcome> {
  const target = { ...load, url: `${server.url}/classify` };
  const result = await client.apply({
    ...target,
    connections: CONNECTIONS,
    extent: { seconds: seconds / ROUNDS },
    requestsPerSecond: OVERLOAD * capacity,
    keepsAnswers: true,
  });
  const ended = monotonicSeconds();
  const after = client.apply({
    ...target,
    connections: 32,
    extent: { seconds: RECOVERY_SECONDS },
    requestsPerSecond: CALM * capacity,
  });
  let recoverySeconds = Number.POSITIVE_INFINITY;
  while (monotonicSeconds() - ended < RECOVERY_SECONDS && recoverySeconds === Number.POSITIVE_INFINITY) {
    if (sumOf(await server.metrics(), 'rdi_ladder_rung', { model: name }) === 0) {
      recoverySeconds = monotonicSeconds() - ended;
    }
    await sleep(50);
  }
  await after;
  return { load: result, recoverySeconds };
}

/** Share of the answers whose class is not that of the full network for the same image. */
function differing(answers: readonly KeptAnswer[]): number {
  return answers.filter(({ image, classIndex }) => classIndex !== full.get(image)).length / answers.length;
}

function answersOf(outcomes: readonly Outcome[]): KeptAnswer[] {
  return outcomes.flatMap(({ load }) => load.answers);
}

/** Certified answers per second. */
function goodRate({ load: { answers, seconds: lasted } }: Outcome): number {
  return answers.filter(({ certified }) => certified).length / lasted;
}

/** ε of the last rung: the largest share of differing answers that its certificate allows; 0 for `full`. */
function largestDifference({ profiles }: ModelPackage): number {
  const last = profiles.get(ladderNames(ladder).at(-1) ?? '');
  const risk = last?.certificate?.certificate.risks.find(
    ({ loss, data: of }) => loss === 'consistency' && of !== 'adversarial',
  );
  return risk?.epsilon ?? 0;
}

function report(one: ModelPackage): void {
  const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
  const row = (what: string, value: (outcomes: readonly Outcome[]) => string): string[] => [
    what,
    value(without),
    value(withLadder),
  ];
  const each = (outcomes: readonly Outcome[], value: (outcome: Outcome) => number): string =>
    outcomes.map((outcome) => value(outcome).toFixed(0)).join(', ');
  process.stdout.write(
    `${name}, ${source}; capacity of the default profile ${Math.round(capacity)} images/s, ` +
      `${OVERLOAD} times as much for ${ROUNDS} times ${seconds / ROUNDS} s\n\n`,
  );
  process.stdout.write(
    formatTable(
      ['what:', 'without', `with ${ladder}`],
      [
        row('certified answers, images/s', (outcomes) => each(outcomes, goodRate)),
        row('answered with 503', (outcomes) => each(outcomes, ({ load }) => load.statuses['503'] ?? 0)),
        row('median latency, ms', (outcomes) => each(outcomes, ({ load }) => load.latencyMs.median)),
        row('p99 latency, ms', (outcomes) => each(outcomes, ({ load }) => load.latencyMs.p99)),
        ...ladderNames(ladder).map((profile) =>
          row(`answers under ${profile}`, (outcomes) => {
            const all = answersOf(outcomes);
            return percent(all.filter((answer) => answer.profile === profile).length / all.length);
          }),
        ),
        row('answers that differ from full', (outcomes) => percent(differing(answersOf(outcomes)))),
      ],
    ),
  );
  const gains = withLadder.map((outcome, round) => goodRate(outcome) / goodRate(without[round] as Outcome));
  const gain = median(gains);
  const uncertified = answersOf([...without, ...withLadder]).filter(({ certified }) => !certified);
  const limit = largestDifference(one);
  const differ = differing(answersOf(withLadder));
  /** The certificate is about all traffic; these are some images of it, sent again and again. */
  const standardError = Math.sqrt((limit * (1 - limit)) / images.length);
  const recovery = Math.max(...withLadder.map(({ recoverySeconds }) => recoverySeconds));
  process.stdout.write(
    `\ngain ${gain.toFixed(2)} (${gains.map((of) => of.toFixed(2)).join(', ')}), back after at most ${recovery.toFixed(1)} s\n`,
  );
  reportPromises([
    [
      `the ladder gives at least ${leastGain} times the certified answers`,
      gain >= leastGain,
      gain.toFixed(2),
    ],
    ['every answer is certified', uncertified.length === 0, `${uncertified.length} are not`],
    [
      `at most ${percent(limit)} of the answers differ from the full network’s, give or take two standard errors`,
      differ <= limit + 2 * standardError,
      percent(differ),
    ],
    [`the ladder is back within ${RECOVERY_SECONDS} s`, recovery <= RECOVERY_SECONDS, `once it took more`],
    ['it moved once in each direction each time', moves === 2 * ROUNDS, `${moves} moves`],
  ]);
}
