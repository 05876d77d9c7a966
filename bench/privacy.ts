// What a privacy mode hides, and what it costs. One server in each mode; an attacker who is alone with it sends images
// and guesses their exits from the times of the answers. Then the same servers at saturation.
//
//   node dist/bench/privacy.js [models] [model] [profile] [data] [images]
import process from 'node:process';
import { type PrivacyMode, privacyModes } from '../src/config/settings.js';
import { UsageError } from '../src/foundation/errors.js';
import { positiveNumber } from '../src/foundation/numbers.js';
import { mean, median, quantile } from '../src/foundation/quantile.js';
import { findPackages } from '../src/packages/repository.js';
import { formatTable } from '../src/report/table.js';
import type { Prediction } from '../src/serving/prediction.js';
import { createKeepAliveConnection, encodeRequest } from './load/keep-alive-connection.js';
import { startLoadClient } from './load/load.js';
import { reportPromises } from './load/promises.js';
import { serverCosts } from './load/server-costs.js';
import { type ServerProcess, startServer } from './load/server-process.js';
import { imagesToSend } from './peers/images.js';
import { chance, guessedRight, type Observation, rocArea } from './privacy/attack.js';

const [models = 'models', name = 'rdi-resnet38', profile = 'balanced', data, imagesText = '1500'] =
  process.argv.slice(2);
const mostImages = positiveNumber(imagesText);
/** How often each image is sent. A patient attacker takes the mean of its times. */
const REPEATS = 2;
/** The servers take turns, so that what else the machine does meets all of them. */
const TURN_IMAGES = 100;
const SATURATION_SECONDS = 5;
const CONNECTIONS = 32;
/** How much better than chance an attacker may guess. */
const ALLOWED = 0.02;
const SEED = 1;

interface Subject {
  readonly mode: PrivacyMode;
  readonly server: ServerProcess;
  /** By image: the seconds of each of its answers. */
  readonly seconds: number[][];
}

const { packages } = await findPackages(models);
const model = packages.findLast(({ manifest }) => manifest.name === name);
if (!model) throw new UsageError(`There is no model ${name} in "${models}".`);
const { source, contentType, images } = await imagesToSend(model, data, mostImages);
/** One worker leaves a core to the attacker and the server's event loop. */
const settings = { models, defaultModel: name, workers: 1, auditFraction: 0 };
const subjects: Subject[] = [];
for (const mode of privacyModes) {
  const server = await startServer({ ...settings, privacy: mode });
  subjects.push({ mode, server, seconds: images.map(() => []) });
}
const exits = await observe();
const rows: string[][] = [];
const promises: [string, boolean, string][] = [];
for (const subject of subjects) await judge(subject);
for (const { server } of subjects) await server.stop();
process.stdout.write(`${name}, ${profile}, ${source}, each ${REPEATS} times, one after the other\n\n`);
process.stdout.write(
  formatTable(
    [
      'mode',
      'chance',
      'guessed, one time',
      'guessed, mean',
      'ROC area',
      'median ms',
      'p99 ms',
      'images/s at saturation',
      'CPU ms/image',
    ],
    rows,
  ),
);
reportPromises(promises);

/** Sends every image to every server. @returns the exit of each image */
async function observe(): Promise<number[]> {
  const taken = images.map(() => 0);
  for (const { mode, server } of subjects) await send(server, 0, TURN_IMAGES, mode); // warms up
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    for (let start = 0; start < images.length; start += TURN_IMAGES) {
      for (const { mode, server, seconds } of subjects) {
        const answers = await send(server, start, start + TURN_IMAGES, mode);
        for (const [index, answer] of answers.entries()) {
          seconds[start + index]?.push(answer.seconds);
          if (answer.exit !== undefined) taken[start + index] = answer.exit;
        }
      }
    }
  }
  return taken;
}

/** @returns for each image the time of its answer and, in the mode off, its exit */
async function send(
  server: ServerProcess,
  start: number,
  end: number,
  mode: PrivacyMode,
): Promise<{ readonly seconds: number; readonly exit: number | undefined }[]> {
  const url = new URL(`${server.url}/classify?profile=${profile}`);
  const connection = createKeepAliveConnection(url);
  const answers = [];
  for (const { bytes } of images.slice(start, end)) {
    const { status, body, seconds } = await connection.exchange(encodeRequest(url, bytes, { contentType }));
    if (status !== 200) throw new Error(`The server answered ${status}: ${body}`);
    answers.push({ seconds, exit: mode === 'off' ? (JSON.parse(body) as Prediction).exit.index : undefined });
  }
  connection.close();
  return answers;
}

async function judge({ mode, server, seconds }: Subject): Promise<void> {
  const observed = (of: (times: readonly number[]) => number): Observation[] =>
    seconds.map((times, index) => ({ seconds: of(times), exit: exits[index] ?? 0 }));
  const once = observed(([first = 0]) => first);
  const means = observed(mean);
  const guessed = [once, means].map((observations) => guessedRight(observations, SEED));
  const before = await server.metrics();
  const client = startLoadClient();
  const load = await client.apply({
    url: `${server.url}/classify?profile=${profile}`,
    images: images.map(({ bytes }) => Buffer.from(bytes).toString('base64')),
    contentType,
    connections: CONNECTIONS,
    extent: { seconds: SATURATION_SECONDS },
  });
  client.close();
  const { cpuSeconds } = serverCosts(before, await server.metrics());
  const answered = load.statuses['200'] ?? 0;
  const times = seconds.flat();
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  rows.push([
    mode,
    percent(chance(once)),
    ...guessed.map(percent),
    rocArea(means).toFixed(3),
    (1000 * median(times)).toFixed(2),
    (1000 * quantile(times, 0.99)).toFixed(2),
    (answered / load.seconds).toFixed(0),
    ((1000 * cpuSeconds) / answered).toFixed(2),
  ]);
  if (mode !== 'strict') return;
  const best = Math.max(...guessed);
  promises.push([
    `strict: the exit is guessed at most ${percent(ALLOWED)} better than by chance`,
    best <= chance(once) + ALLOWED,
    `${percent(best)} against ${percent(chance(once))}`,
  ]);
}
