// `rdi-serve refresh`: new images for a package with added exits become a new version of it, compared with the old one.
import process from 'node:process';
import { Command } from 'commander';
import { addExits } from '../../add-exits/add-exits.js';
import type { Compared } from '../../add-exits/compare.js';
import type { AddExitsOptions } from '../../add-exits/options.js';
import { backboneOf, limitsOf, versionAfter } from '../../add-exits/refresh/older-version.js';
import { refreshThresholds } from '../../add-exits/refresh/refresh-thresholds.js';
import { brokenPromises, comparisonTable } from '../../add-exits/report/comparison.js';
import { asText } from '../../add-exits/report/results-table.js';
import { createConfig } from '../../config/config.js';
import { createDecoder } from '../../decoding/decode.js';
import { createEngine } from '../../engines/onnx.js';
import { parseModelName } from '../../evaluation/subject.js';
import { UsageError } from '../../foundation/errors.js';
import { positiveInteger, properShare } from '../../foundation/numbers.js';
import { refuseExisting } from '../../packages/install.js';
import type { ModelPackage } from '../../packages/package.js';
import { findPackage } from '../../packages/repository.js';
import { serveLine } from '../../report/serve-line.js';
import { tell } from './add-exits.js';
import { type CacheFlags, cacheFlags, cacheOf, stoppedMessage, tellCache } from './cache-flags.js';
import { type ImageFlags, imageFlags, withImages } from './images.js';
import { withProgress } from './progress.js';

const details = `
IMAGES are of the traffic as it is now. The profiles that promise how many answers change are
certified anew on them, with the same ε and δ, and become a new version of the package. The
network and its exits stay. With --heads, exits are chosen and fitted anew, too, as by add-exits.

The command compares both versions on those new images that had no part in choosing thresholds:
how many answers change, and what it costs. docs/add-exits.md explains it. calibrate, in contrast,
makes one profile of a package, of any kind, in its place.

Exit code 2: nothing could be certified, or new exits do not pay. No package is written.

Examples:
  rdi-serve refresh colours --data photos-of-june/
  rdi-serve refresh colours/1 --data photos-of-june/ --heads
`;

interface Flags extends ImageFlags, CacheFlags {
  readonly models: string;
  readonly modelVersion?: string;
  readonly heads: boolean;
  readonly exits: number;
  readonly leastSaving: number;
  readonly force: boolean;
}

export function refreshCommand(): Command {
  const command = new Command('refresh')
    .summary('a package with exits and new images → a new version, certified on them')
    .description('Certifies the profiles of a package anew, on new images, as a new version of it.')
    .argument('<model>', 'name or name/version; default: the newest version');
  imageFlags(command)
    .option('--heads', 'choose and fit the exits anew, too', false)
    .option('--exits <n>', 'with --heads: how many exits to add at most', positiveInteger, 3)
    .option(
      '--least-saving <share>',
      'with --heads: share of the time to save at the largest ε',
      properShare,
      0.1,
    )
    .option('--models <folder>', 'the models folder', 'models')
    .option('--model-version <version>', 'the new version; default: the next whole number')
    .option('--force', 'replace a package of the same name and version', false);
  return cacheFlags(command).addHelpText('after', details).action(run);
}

async function run(modelName: string, flags: Flags): Promise<void> {
  const { name, version: wanted } = parseModelName(modelName);
  const model = await findPackage(flags.models, name, wanted);
  const version = flags.modelVersion ?? versionAfter(model);
  if (version === model.manifest.version) {
    throw new UsageError(`--model-version ${version} is the version that is refreshed; give another one.`);
  }
  if (flags.fitData !== undefined && !flags.heads) throw new UsageError('--fit-data needs --heads.');
  if (!flags.force) await refuseExisting(flags.models, { name, version });
  await withImages(flags, (images) =>
    flags.heads ? newHeads(model, version, images, flags) : newThresholds(model, version, images, flags),
  );
}

type Images = Pick<AddExitsOptions, 'samples' | 'apart' | 'dataSha256'>;

async function newThresholds(
  model: ModelPackage,
  version: string,
  images: Images,
  { models: output, force, seed }: Flags,
): Promise<void> {
  const { made, compared } = await withProgress(stoppedMessage(undefined), (onProgress) =>
    refreshThresholds({
      ...{ model, version, output, force, seed, onProgress },
      ...images,
      engine: createEngine(),
      decoder: createDecoder(createConfig()),
    }),
  );
  tellCompared(compared, model);
  if (!made) {
    process.stdout.write(
      'Nothing is certified on these images; no package was written. More images would help.\n',
    );
    process.exitCode = 2;
    return;
  }
  process.stdout.write(`${made.directory}\nDefault profile: ${made.defaultProfile}. ${serveLine(output)}`);
}

async function newHeads(model: ModelPackage, version: string, images: Images, flags: Flags): Promise<void> {
  const { models: output, force, seed, exits: mostExits, leastSaving } = flags;
  const limits = limitsOf(model);
  const cache = cacheOf(flags);
  const outcome = await withProgress(stoppedMessage(cache), async (onProgress) => {
    const engine = createEngine();
    return addExits({
      plain: await backboneOf(engine, model, version),
      before: model,
      ...{ engine, output, force, seed, mostExits, leastSaving, cache, onProgress },
      ...images,
      epsilons: limits.map(({ epsilon }) => epsilon),
      names: limits.map(({ name }) => name),
      delta: Math.min(...limits.map(({ delta }) => delta)),
      decoder: createDecoder(createConfig()),
    });
  });
  if (outcome.kind === 'added') tellCompared(outcome.results.compared, model);
  tell(outcome, output);
  tellCache(cache);
}

function tellCompared(compared: readonly Compared[], { manifest: { version } }: ModelPackage): void {
  process.stdout.write(
    `On the new images that tested the thresholds:\n\n${asText(comparisonTable(compared, version))}\n` +
      brokenPromises(compared, version)
        .map((sentence) => `${sentence}\n`)
        .join(''),
  );
}
