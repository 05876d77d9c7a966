// `rdi-serve bench`: measures the engine alone and the service over HTTP, in one run, with the same model.
import { availableParallelism } from 'node:os';
import process from 'node:process';
import { Command, Option } from 'commander';
import { benchProfile, stepsOf } from '../../bench/command/bench.js';
import { compareEngines } from '../../bench/command/engines.js';
import { renderEngines } from '../../bench/command/engines-report.js';
import { describeMachine } from '../../bench/command/machine.js';
import { type BenchDocument, type ModelFigures, renderBench } from '../../bench/command/report.js';
import { createStand } from '../../bench/command/stand.js';
import { createConfig } from '../config/config.js';
import { type EngineDemand, engineNames } from '../engines/engine-names.js';
import { FULL_PROFILE } from '../format/profiles.js';
import { UsageError } from '../foundation/errors.js';
import { positiveInteger, positiveNumber } from '../foundation/numbers.js';
import { version } from '../foundation/version.js';
import { fullFlops } from '../network/execution-path.js';
import type { ModelPackage } from '../packages/package.js';
import { type FoundPackages, findPackages, reasonsOf } from '../packages/repository.js';
import { checkCanBeMade, writeOutput } from './output-file.js';
import { createProgress, withCount } from './progress/create-progress.js';

const details = `
Each model is measured with the profile full and with its default profile, in turn, several times:
  engine alone   worker threads call the engine with prepared tensors: no HTTP, no decoder,
                 no queue; single images and batches of 8; one worker and all workers
  HTTP           server and load client run in separate processes; keep-alive connections
                 send PNG bodies, each as soon as the one before is answered
  idle           one client sends one request after the other
The images are the package's golden inputs. Close other programs: all processes share the cores.

Examples:
  rdi-serve bench
  rdi-serve bench --engines
  rdi-serve bench mnist-smallcnn --seconds 10 --connections 64 --json bench.json
`;

interface Options {
  readonly models: string;
  readonly seconds: number;
  readonly rounds: number;
  readonly connections: number;
  readonly engine: EngineDemand['engine'];
  readonly engines?: true;
  readonly workers: number;
  readonly json?: string;
}

export function benchCommand(): Command {
  return new Command('bench')
    .summary('measure speed: the engine alone, and the service over HTTP')
    .description('Measures how fast the service is on this machine, and how fast its engine alone would be.')
    .argument('[models...]', 'name or name/version; default: all models in the models folder')
    .option('--models <folder>', 'the models folder', 'models')
    .option('--seconds <n>', 'duration of each measurement', positiveNumber, 3)
    .option('--rounds <n>', 'repetitions of each measurement; medians are reported', positiveInteger, 3)
    .option('--connections <n>', 'connections of the load client', positiveInteger, 32)
    .addOption(
      new Option('--engine <name>', 'as for serve').choices(['auto', ...engineNames]).default('auto'),
    )
    .addOption(
      new Option('--engines', 'compare all installed engines, one thread each, without HTTP').conflicts([
        'engine',
        'workers',
        'connections',
      ]),
    )
    .option('--workers <n>', 'inference threads', positiveInteger, availableParallelism())
    .option('--json <file>', 'also write the figures to this file')
    .addHelpText('after', details)
    .action(async (names: string[], options: Options) => {
      createConfig({ workers: options.workers });
      const chosen = choose(await findPackages(options.models), names);
      if (options.json !== undefined) await checkCanBeMade(options.json);
      const [text, document] = await (options.engines ? benchEngines : benchService)(chosen, options);
      process.stdout.write(text);
      if (options.json !== undefined)
        await writeOutput(options.json, `${JSON.stringify(document, null, 2)}\n`);
    });
}

async function benchService(chosen: readonly ModelPackage[], options: Options): Promise<[string, object]> {
  const models: ModelFigures[] = [];
  for (const model of chosen) models.push(await benchModel(model, options));
  const { workers, connections, seconds, rounds } = options;
  const document = { ...origin(), settings: { workers, connections, seconds, rounds }, models };
  const failed = models.flatMap((one) => one.profiles).reduce((sum, { http }) => sum + http.failed, 0);
  if (failed > 0) {
    process.exitCode = 1;
    process.stderr.write(`Of the requests, ${failed} were not answered with a prediction.\n`);
  }
  return [renderBench(document), document];
}

async function benchEngines(chosen: readonly ModelPackage[], options: Options): Promise<[string, object]> {
  const models = [];
  for (const model of chosen) {
    const { name, version: modelVersion, exits } = model.manifest;
    const progress = createProgress();
    let measured = 0;
    const comparison = await compareEngines(model, options, (total) =>
      progress.show(`measurements of ${name}`, ++measured, total),
    ).finally(() => progress.end());
    models.push({ model: `${name}/${modelVersion}`, fullFlops: fullFlops(exits), ...comparison });
  }
  const { seconds, rounds } = options;
  const document = { ...origin(), settings: { seconds, rounds }, models };
  return [renderEngines(document), document];
}

function origin(): Pick<BenchDocument, 'tool' | 'date' | 'machine'> {
  return { tool: `rdi-serve ${version}`, date: new Date().toISOString(), machine: describeMachine() };
}

async function benchModel(model: ModelPackage, options: Options): Promise<ModelFigures> {
  const { name, version: modelVersion, exits } = model.manifest;
  const profiles = [...new Set([FULL_PROFILE, model.defaultProfile])];
  const stand = await createStand({ ...options, model });
  const measurements = profiles.length * options.rounds * stepsOf(stand);
  try {
    return await withCount(`measurements of ${name}`, measurements, async (advance) => {
      const figures = [];
      for (const profile of profiles) {
        figures.push(await benchProfile(stand, profile, options.rounds, () => advance()));
      }
      return { model: `${name}/${modelVersion}`, fullFlops: fullFlops(exits), profiles: figures };
    });
  } finally {
    await stand.close();
  }
}

/**
 * The named packages (the newest version if a name has none); without names, all packages that are not refused.
 * @throws UsageError if a named package is not found; the message includes why packages were refused
 */
function choose({ packages, refused }: FoundPackages, names: readonly string[]): readonly ModelPackage[] {
  const idOf = ({ manifest }: ModelPackage): string => `${manifest.name}/${manifest.version}`;
  const known = packages.map(idOf).join(', ');
  const reasons = reasonsOf(refused);
  if (packages.length === 0) throw new UsageError(`There is no model that can be benched.${reasons}`);
  if (names.length === 0) return packages;
  return names.map((name) => {
    const found = packages.findLast((one) => one.manifest.name === name || idOf(one) === name);
    if (!found) {
      throw new UsageError(`There is no model ${name} that can be benched; these can: ${known}.${reasons}`);
    }
    return found;
  });
}
