// `rdi-serve add-exits`: turns a plain classifier and images into a package that answers early, with certificates.
import { createHash } from 'node:crypto';
import process from 'node:process';
import { SingleBar } from 'cli-progress';
import { Command } from 'commander';
import { addExits, type Outcome } from '../add-exits/add-exits.js';
import { defaultCacheFolder } from '../add-exits/cache/network-cache.js';
import type { AddExitsOptions } from '../add-exits/options.js';
import { asText, candidateTable, exitTable, profileTable } from '../add-exits/report/results-table.js';
import { withoutCopies } from '../add-exits/split.js';
import { writeScores } from '../calibration/scores/scores-file.js';
import { createConfig } from '../config/config.js';
import type { Sample } from '../datasets/data-set.js';
import { type NamedDataSet, openDataSet, takeEvenly } from '../datasets/open-data-set.js';
import { createDecoder } from '../decoding/decode.js';
import { createEngine } from '../engines/onnx.js';
import { UsageError } from '../foundation/errors.js';
import { integer, positiveInteger, properShare, properShares } from '../foundation/numbers.js';
import { type FileFlags, fileFlags, wishesOf } from './import.js';
import { checkCanBeMade } from './output-file.js';

const details = `
MODEL is an ONNX file with one image in and logits out, or a folder with model.onnx and
description.json, as import takes them. IMAGES are like the traffic to come, and the network was
not trained on them: a folder, a zip or an IDX file, without labels. 5,000 are a good number.

The network stays as it is. Where exactly one tensor leads on, a linear layer is added that is
fitted to the network's own answers. Of all such places, those become exits that save most time
on this machine. Thresholds are then chosen and certified as by calibrate: with confidence 1 − δ,
at most ε of the answers differ from those of the plain network. docs/add-exits.md explains it.

Exit code 2: exits do not pay for this network, or nothing could be certified. No package is written.

Examples:
  rdi-serve add-exits net.onnx --data photos/ --classes labels.txt --preprocess imagenet
  rdi-serve add-exits net.onnx --data held-out.zip --fit-data training.zip --epsilon 0.005 \\
      --classes labels.txt --preprocess unit
`;

interface Flags extends FileFlags {
  readonly data: string;
  readonly fitData?: string;
  readonly limit?: number;
  readonly epsilon?: readonly number[];
  readonly delta: number;
  readonly exits: number;
  readonly leastSaving: number;
  readonly seed: number;
  readonly cache: string | false;
  readonly scores?: string;
  readonly output: string;
  readonly force: boolean;
}

export function addExitsCommand(): Command {
  const command = new Command('add-exits')
    .summary('a plain ONNX classifier and images → a package with certified early exits')
    .description(
      'Adds exits to a plain classifier, fitted to its own answers, and certifies their thresholds.',
    )
    .argument('<model>', 'ONNX file, or folder with model.onnx and description.json')
    .requiredOption('--data <path>', 'images: folder, zip or IDX file; labels are not needed')
    .option(
      '--fit-data <path>',
      'images to fit the exits to; default: half of --data. May be training images',
    )
    .option('--limit <n>', 'take so many images of --data, evenly spaced', positiveInteger)
    .option('--epsilon <share...>', 'limits of answers that differ (default: 0.01 0.02 0.05)', properShares)
    .option('--delta <share>', 'probability that a certificate is wrong', properShare, 0.05)
    .option('--exits <n>', 'how many exits to add at most', positiveInteger, 3)
    .option('--least-saving <share>', 'share of the time to save at the largest ε', properShare, 0.1)
    .option('--seed <n>', 'seed of the split', integer, 1)
    .option('--cache <folder>', 'keep what takes long here, for later runs', defaultCacheFolder())
    .option('--no-cache', 'keep nothing for later runs')
    .option('--scores <file>', 'keep the recorded scores, for `rdi-serve calibrate --scores`')
    .option('--output <folder>', 'models folder to put the package into', 'models')
    .option('--force', 'replace a package of the same name and version', false);
  return fileFlags(command).addHelpText('after', details).action(run);
}

async function run(source: string, flags: Flags): Promise<void> {
  const epsilons = [...new Set(flags.epsilon ?? [0.01, 0.02, 0.05])].sort((a, b) => a - b);
  const { delta, exits: mostExits, leastSaving, seed, output, force } = flags;
  const wishes = await wishesOf(flags);
  if (flags.scores !== undefined) await checkCanBeMade(flags.scores);
  const opened: NamedDataSet[] = [];
  const progress = progressBars();
  const cache = flags.cache === false ? undefined : flags.cache;
  const stopping = stopOnSignals(
    `Stopped before its end; no package was written.${cache === undefined ? '' : ' The same command goes on from here.'}`,
  );
  try {
    const open = async (path: string): Promise<NamedDataSet> => {
      const dataSet = await openDataSet(path, undefined, { labelled: false });
      opened.push(dataSet);
      return dataSet;
    };
    const data = await open(flags.data);
    const fitData = flags.fitData === undefined ? undefined : await open(flags.fitData);
    const taken = takeEvenly(data.samples, flags.limit ?? data.samples.length);
    const samples = await withoutCopies(taken);
    const apart = fitData && (await withoutCopies(fitData.samples, samples));
    tellCopies(taken, samples);
    const outcome = await addExits({
      ...{ source, wishes, output, force, samples, epsilons, delta, mostExits, leastSaving, seed },
      ...(apart && { apart }),
      cache,
      dataSha256: identityOf(data, fitData, flags),
      engine: createEngine(),
      decoder: createDecoder(createConfig()),
      onProgress(...step) {
        stopping.check();
        progress.show(...step);
      },
    });
    progress.stop();
    tell(outcome);
    if (cache !== undefined) process.stdout.write(`For later runs, what takes long is kept in ${cache}.\n`);
    if (outcome.kind === 'added' && flags.scores !== undefined) {
      await writeScores(flags.scores, outcome.results.recording);
    }
  } finally {
    progress.stop();
    stopping.end();
    for (const dataSet of opened) dataSet.close();
  }
}

/** Of the images that calibrate: they are a part of those given. */
function identityOf(data: NamedDataSet, fitData: NamedDataSet | undefined, { limit, seed }: Flags): string {
  const parts = [data.sha256, fitData?.sha256 ?? null, limit ?? null, seed];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

function tellCopies(taken: readonly Sample[], kept: readonly Sample[]): void {
  const copies = taken.length - kept.length;
  if (copies > 0)
    process.stdout.write(`${copies} of ${taken.length} images are copies of others and left out.\n`);
}

function tell(outcome: Outcome): void {
  const { notes } = outcome;
  process.stdout.write(`Places for exits, → those taken:\n\n${asText(candidateTable(outcome))}\n`);
  process.stdout.write(notes.map((note) => `${note}\n`).join(''));
  if (outcome.kind === 'does-not-pay') {
    process.stdout.write(`${outcome.reason}\n`);
    process.exitCode = 2;
    return;
  }
  const { made, results } = outcome;
  process.stdout.write(
    `${asText(exitTable(results, made.manifest))}\n${asText(profileTable(results, made.manifest))}\n` +
      `${made.directory}\nDefault profile: ${made.defaultProfile}. \`rdi-serve serve\` serves it.\n`,
  );
}

/** A first signal ends the work where it leaves nothing behind; a second one ends the process. */
function stopOnSignals(message: string): { check: () => void; end: () => void } {
  const signals = ['SIGINT', 'SIGTERM'] as const;
  let isAsked = false;
  const ask = (): void => {
    isAsked = true;
  };
  for (const signal of signals) process.once(signal, ask);
  return {
    check() {
      if (isAsked) throw new UsageError(message);
    },
    end() {
      for (const signal of signals) process.off(signal, ask);
    },
  };
}

/** One bar for each step; without a terminal, cli-progress draws nothing. */
function progressBars(): { show: AddExitsOptions['onProgress']; stop: () => void } {
  let bar: SingleBar | undefined;
  let shown = '';
  return {
    show(step, done, of) {
      if (step !== shown) {
        bar?.stop();
        bar = new SingleBar({ format: `{bar} {value}/{total} ${step}, {eta_formatted} to go` });
        bar.start(of, 0);
        shown = step;
      }
      bar?.update(done);
    },
    stop() {
      bar?.stop();
      bar = undefined;
    },
  };
}
