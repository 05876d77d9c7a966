// Compares this server with others on the same network, images and client: requests/s, latency, CPU time and memory. It
// measures only if all give the same answers. Exit code 1 if a peer is missing or differs, or a request fails.
// Usage: node dist/bench/peers/compare.js MODEL [options]; --help lists them.
import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { Command, Option } from 'commander';
import { PackageError, UsageError } from '../../src/foundation/errors.js';
import { positiveInteger, positiveNumber } from '../../src/foundation/numbers.js';
import { version } from '../../src/foundation/version.js';
import { findPackage } from '../../src/packages/repository.js';
import { describeMachine } from '../command/machine.js';
import { atEnd } from '../load/at-end.js';
import { type LoadClient, startLoadClient } from '../load/load.js';
import { startNeighbours } from '../load/neighbours.js';
import { agreedImages } from './agreed-images.js';
import { type Contenders, startContenders } from './contenders.js';
import { environmentFolder } from './environment.js';
import { imagesToSend } from './images.js';
import { peers } from './peer-list.js';
import { type Comparison, figuresOf, renderComparison, type Table } from './report.js';
import { measureRounds, type RoundsOptions } from './rounds.js';

interface Options {
  readonly models: string;
  readonly data?: string;
  readonly images: number;
  readonly profile?: readonly string[];
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
  readonly workers: number;
  readonly peers: readonly string[];
  readonly against: string;
  readonly busy?: true;
  readonly skipMissing?: true;
  readonly python: string;
  readonly environment: string;
  readonly json?: string;
}

const WARM_UP_ROUNDS = 2;
const peerNames = peers.map(({ name }) => name);

const say = (text: string): void => void process.stderr.write(`${text}\n`);

function namesOf(list: string): string[] {
  const names = list.split(',');
  const unknown = names.filter((name) => !peerNames.includes(name));
  if (unknown.length > 0) {
    throw new UsageError(`There is no peer ${unknown.join(', ')}; choose from ${peerNames.join(', ')}.`);
  }
  return names;
}

async function measureTables(
  client: LoadClient,
  { full, others, peers: started }: Contenders,
  against: string,
  options: Options,
  job: RoundsOptions['job'],
): Promise<Table[]> {
  const subjects = [full, ...others, ...started];
  const measure = async (neighbours: number, warmUpRounds: number): Promise<Table> => {
    const measured = await measureRounds(client, subjects, {
      job,
      rounds: options.rounds,
      warmUpRounds,
      onLoad: (round, { name }, { requestsPerSecond }) =>
        say(`${round < 0 ? 'warm-up' : `round ${round + 1}`}: ${name}: ${Math.round(requestsPerSecond)}/s`),
    });
    return { neighbours, figures: figuresOf(measured, against), measured };
  };
  const tables = [await measure(0, WARM_UP_ROUNDS)];
  if (options.busy) {
    const count = availableParallelism();
    const neighbours = startNeighbours(count);
    tables.push(await measure(count, 0).finally(() => neighbours.stop()));
  }
  return tables;
}

async function compare(name: string, options: Options): Promise<void> {
  const model = await findPackage(options.models, name, undefined);
  const all = await imagesToSend(model, options.data, options.images);
  const folder = await mkdtemp(join(tmpdir(), 'rdi-peers-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const forget = atEnd(remove);
  const contenders = await startContenders({
    ...options,
    model,
    profiles: options.profile,
    peers: peers.filter((peer) => options.peers.includes(peer.name)),
    images: all,
    folder,
    onStep: say,
  });
  const client = startLoadClient();
  try {
    for (const one of contenders.missing) say(`Left out: ${one.name}: ${one.reason}`);
    if (contenders.missing.length > 0 && !options.skipMissing) process.exitCode = 1;
    const { full, others, peers: started } = contenders;
    const { images, agreement, decodedOtherwise } = await agreedImages(full, started, others, all);
    for (const [server, { same, confidenceGap }] of Object.entries(agreement)) {
      say(`${server}: ${same} answers as full, confidences within ${confidenceGap.toPrecision(2)}`);
    }
    const { workers, connections, seconds, rounds } = options;
    const against = started.find(({ peer }) => peer === options.against) ?? full;
    const tables = await measureTables(client, contenders, against.name, options, {
      images: images.images.map(({ bytes }) => Buffer.from(bytes).toString('base64')),
      contentType: images.contentType,
      connections,
      extent: { seconds },
    });
    const document: Comparison = {
      tool: `rdi-serve ${version}`,
      date: new Date().toISOString(),
      machine: describeMachine(),
      settings: {
        model: `${name}/${model.manifest.version}`,
        images: images.source,
        workers,
        connections,
        seconds,
        rounds,
        against: against.name,
      },
      agreement,
      decodedOtherwise,
      missing: contenders.missing,
      tables,
    };
    process.stdout.write(renderComparison(document));
    if (options.json !== undefined) {
      await writeFile(options.json, `${JSON.stringify(document, null, 2)}\n`);
    }
    if (tables.some(({ figures }) => figures.some(({ failed }) => failed > 0))) {
      say('Some requests were not answered with 200.');
      process.exitCode = 1;
    }
  } finally {
    client.close();
    await contenders.stop();
    remove();
    forget();
  }
}

const program = new Command('compare')
  .description('Compares this server with others that serve the same network without its side exits.')
  .argument('<model>', 'name of the model')
  .option('--models <folder>', 'the models folder', 'models')
  .option('--data <path>', 'images to send: a folder, a zip or an IDX file (default: the golden inputs)')
  .option('--images <n>', 'largest number of images of --data, evenly spaced', positiveInteger, 500)
  .option('--profile <name...>', 'profiles to measure besides full (default: the model’s default profile)')
  .option('--rounds <n>', 'number of measurements of each server', positiveInteger, 5)
  .option('--seconds <n>', 'duration of each measurement', positiveNumber, 5)
  .option('--connections <n>', 'connections of the load client', positiveInteger, 16)
  .option('--workers <n>', 'workers of each server', positiveInteger, availableParallelism())
  .option('--peers <names>', 'peers to compare with, separated by commas', namesOf, peerNames)
  .addOption(
    new Option('--against <peer>', 'the server that ratios refer to; if it is missing, rdi-serve full')
      .choices(peerNames)
      .default('mosec'),
  )
  .option('--busy', 'measure again with one busy loop per core')
  .option('--skip-missing', 'do not fail if a peer cannot be installed or started')
  .option('--python <command>', 'the Python that makes the environment of the peers', 'python3')
  .option(
    '--environment <folder>',
    'the environment of the peers; made if it does not exist',
    environmentFolder,
  )
  .option('--json <file>', 'also write the figures to this file')
  .action(compare);

try {
  await program.parseAsync();
} catch (error) {
  const expected = error instanceof UsageError || error instanceof PackageError;
  say(expected ? error.message : String((error as Error).stack));
  process.exitCode = 1;
}
