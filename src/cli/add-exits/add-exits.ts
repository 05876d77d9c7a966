// `rdi-serve add-exits`: turns a plain classifier and images into a package that answers early, with certificates.
import process from 'node:process';
import { Command } from 'commander';
import { addExits, type Outcome } from '../../add-exits/add-exits.js';
import { profileName } from '../../add-exits/certify-profiles.js';
import type { Results } from '../../add-exits/findings.js';
import { readPlainNetwork } from '../../add-exits/plain-network.js';
import { asText, candidateTable, exitTable, profileTable } from '../../add-exits/report/results-table.js';
import { writeScores } from '../../calibration/scores/scores-file.js';
import { createConfig } from '../../config/config.js';
import { createDecoder } from '../../decoding/decode.js';
import { createEngine } from '../../engines/onnx.js';
import { positiveInteger, properShare, properShares } from '../../foundation/numbers.js';
import { serveLine } from '../../report/serve-line.js';
import { type ExpectationFlags, expectationFlags, expectationOf } from '../expectation-flags.js';
import { type FileFlags, fileFlags, wishesOf } from '../import.js';
import { checkCanBeMade } from '../output-file.js';
import { type CacheFlags, cacheFlags, cacheOf, stoppedMessage, tellCache } from './cache-flags.js';
import { type ImageFlags, imageFlags, withImages } from './images.js';
import { withProgress } from './progress.js';

const details = `
MODEL is an ONNX file with one image in and logits out, or a folder with model.onnx and
description.json, as import takes them. IMAGES are like the traffic to come, and the network was
not trained on them: a folder, a zip or an IDX file. 5,000 are a good number. Labels are not needed.
Where all images have one (folders named after classes, an IDX file beside), accuracy is told, too.

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

interface Flags extends FileFlags, ExpectationFlags, ImageFlags, CacheFlags {
  readonly epsilon?: readonly number[];
  readonly delta: number;
  readonly exits: number;
  readonly leastSaving: number;
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
    .argument('<model>', 'ONNX file, or folder with model.onnx and description.json');
  imageFlags(command)
    .option('--epsilon <share...>', 'limits of answers that differ (default: 0.01 0.02 0.05)', properShares)
    .option('--delta <share>', 'probability that a certificate is wrong', properShare, 0.05)
    .option('--exits <n>', 'how many exits to add at most', positiveInteger, 3)
    .option('--least-saving <share>', 'share of the time to save at the largest ε', properShare, 0.1)
    .option('--scores <file>', 'keep the recorded scores, for `rdi-serve calibrate --scores`')
    .option('--output <folder>', 'models folder to put the package into', 'models')
    .option('--force', 'replace a package of the same name and version', false);
  return fileFlags(expectationFlags(cacheFlags(command)))
    .addHelpText('after', details)
    .action(run);
}

async function run(source: string, flags: Flags): Promise<void> {
  const epsilons = [...new Set(flags.epsilon ?? [0.01, 0.02, 0.05])].sort((a, b) => a - b);
  const { delta, exits: mostExits, leastSaving, seed, output, force } = flags;
  const wishes = { ...(await wishesOf(flags)), ...(await expectationOf(flags)) };
  if (flags.scores !== undefined) await checkCanBeMade(flags.scores);
  const cache = cacheOf(flags);
  const outcome = await withImages(flags, (images) =>
    withProgress(stoppedMessage(cache), async (onProgress) => {
      const engine = createEngine();
      return addExits({
        plain: await readPlainNetwork(engine, source, wishes),
        ...{ engine, output, force, epsilons, delta, mostExits, leastSaving, seed, cache, onProgress },
        ...images,
        names: epsilons.map((_, index) => profileName(index, epsilons)),
        decoder: createDecoder(createConfig()),
      });
    }),
  );
  tell(outcome, output);
  tellCache(cache);
  if (outcome.kind === 'added' && flags.scores !== undefined) {
    await writeScores(flags.scores, outcome.results.recording);
  }
}

/** @param output the models folder that has the package */
export function tell(outcome: Outcome, output: string): void {
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
      `${toldAccuracy(results)}${made.directory}\nDefault profile: ${made.defaultProfile}. ${serveLine(output)}`,
  );
}

function toldAccuracy({ accuracy }: Results): string {
  return accuracy ? `Accuracy is of the ${accuracy.images} images that tested the thresholds.\n\n` : '';
}
