// `rdi-serve calibrate`: thresholds with a guarantee, from images that the network was not trained on.
import { writeFile } from 'node:fs/promises';
import process from 'node:process';
import { Command, Option } from 'commander';
import { type CalibrationGoal, calibrate, type RiskLimit } from '../calibration/certify.js';
import { createExitTable } from '../calibration/exit-table.js';
import { issueProfile } from '../calibration/issue.js';
import type { LossName } from '../calibration/losses.js';
import { renderPlot } from '../calibration/plot.js';
import { UsageError } from '../errors.js';
import { parseModelName } from '../evaluation/subject.js';
import { fullFlops } from '../inference/path.js';
import { FULL_PROFILE, type Policy } from '../models/profiles.js';
import { findPackage } from '../models/repository.js';
import { saveProfile } from '../models/save-profile.js';
import { version } from '../version.js';
import { obtainScores, type ScoresOptions } from './calibrate-scores.js';
import { pathTable, refusalOf } from './calibrate-table.js';
import { integer, positiveNumber, properShare } from './numbers.js';

const details = `
The images must be like the traffic to come, and neither trained on nor the test set. Half of
them (tune) build a path of ever cheaper threshold vectors, with exits switched off where
their heads do not pay; the other half (cal) test it, point by point. The last point that
passes becomes the profile, with its certificate: with confidence 1 − δ, the risk on traffic
like these images is at most ε. docs/calibration.md says what that means.

Risks:
  consistency  share of answers that differ from the full network's; needs no classes
  error        accuracy lost against the full network; needs the true classes
Several hold together: --risk consistency error --epsilon 0.01 0.005
--budget alone takes the most careful thresholds whose mean cost is certainly within it;
with a risk, both hold, or the answer is "infeasible".

Exit code 2: nothing could be certified, and nothing was written.

Examples:
  rdi-serve calibrate mnist-smallcnn --data held-out/images-idx3-ubyte.gz \\
      --epsilon 0.005 --profile balanced --default --plot balanced.svg
  rdi-serve calibrate resnet38/2 --data held-out.zip --scores resnet38.safetensors \\
      --risk error --epsilon 0.01 --delta 0.1 --policy margin --profile fast
`;

interface Options extends ScoresOptions {
  readonly models: string;
  readonly risk?: LossName[];
  readonly epsilon?: number[];
  readonly delta: number;
  readonly budget?: number;
  readonly policy: Policy;
  readonly tuneShare: number;
  readonly seed: number;
  readonly profile: string;
  readonly default: boolean;
  readonly plot?: string;
}

export function calibrateCommand(): Command {
  return new Command('calibrate')
    .summary('choose and certify the thresholds of a profile')
    .description(
      'Chooses the thresholds of a profile on held-out images and certifies what they risk and cost.',
    )
    .argument('<model>', 'name or name/version; the newest version if it has none')
    .option('--data <path>', 'held-out images: IDX file, folder or zip; not needed where --scores exists')
    .option('--labels <path>', 'the IDX file of labels; found by its name otherwise')
    .option('--no-labels', 'the images have no classes: a folder, zip or IDX file of them as it is')
    .option('--models <folder>', 'the models folder', 'models')
    .addOption(
      new Option(
        '--risk <loss...>',
        'what to limit (default: consistency, unless there is a --budget)',
      ).choices(['consistency', 'error']),
    )
    .option('--epsilon <share...>', 'the most it may be, one for each risk', (text, all: number[] = []) => [
      ...all,
      properShare(text),
    ])
    .option('--delta <share>', 'the chance that the images mislead', properShare, 0.05)
    .option('--budget <flops>', 'most FLOPs to execute per image, in the mean', positiveNumber)
    .addOption(
      new Option('--policy <policy>', 'what decides')
        .choices(['entropy', 'max-softmax', 'margin', 'patience'])
        .default('entropy'),
    )
    .option('--tune-share <share>', 'share of the images that builds the path', properShare, 0.5)
    .option('--seed <n>', 'of the split', integer, 1)
    .option('--scores <file>', 'recorded scores (safetensors): read if there, else written')
    .requiredOption('--profile <name>', 'the profile to write')
    .option('--default', 'make it the profile of requests that name none', false)
    .option('--plot <file>', 'write risk and cost along the path as an SVG')
    .addHelpText('after', details)
    .action(run);
}

async function run(modelName: string, options: Options): Promise<void> {
  const goal = goalOf(options);
  if (options.profile === FULL_PROFILE || !/^[a-z0-9][a-z0-9._-]{0,63}$/.test(options.profile)) {
    throw new UsageError(
      `--profile cannot be "${options.profile}": small letters, digits, . _ -, and not full.`,
    );
  }
  const { name, version: wanted } = parseModelName(modelName);
  const model = await findPackage(options.models, name, wanted);
  const { manifest } = model;
  const recording = await obtainScores(model, options);
  const table = createExitTable(recording, options.policy);
  const tested = calibrate(table, manifest.exits, goal, options);
  const { path, choice, tuneImages, calImages } = tested;
  const backbone = fullFlops(manifest.exits);

  process.stdout.write(
    `${recording.model}: ${tuneImages} tune and ${calImages} cal images, policy ${options.policy}, ` +
      `${path.points.length} points.\n\n${pathTable(tested, backbone)}\n`,
  );
  if (options.plot) {
    const limits = goal.risks.map(({ loss, epsilon }) => `, ${loss} ε ${100 * epsilon} %`).join('');
    const title = `${recording.model}, ${options.profile}${limits}, δ ${goal.delta}`;
    await writeFile(options.plot, renderPlot(tested, { title, fullFlops: backbone }));
  }
  if (choice.kind !== 'point') {
    process.stdout.write(`${refusalOf(tested, goal)}\n`);
    process.exitCode = 2;
    return;
  }
  const profile = issueProfile({
    tested,
    index: choice.index,
    goal,
    seed: options.seed,
    recording,
    manifest,
    date: new Date(),
    tool: `rdi-serve ${version}`,
  });
  await saveProfile(model, { name: options.profile, profile, makeDefault: options.default });
  process.stdout.write(`${options.profile}: ${profile.certificate?.statement}\n`);
}

/** @throws UsageError if risks and limits do not go together, or there is nothing to limit */
function goalOf({ risk, epsilon = [], delta, budget }: Options): CalibrationGoal {
  const losses = risk ?? (budget === undefined || epsilon.length > 0 ? (['consistency'] as const) : []);
  if (new Set(losses).size !== losses.length || losses.length !== epsilon.length) {
    throw new UsageError('Give one --epsilon for each --risk, such as --risk consistency --epsilon 0.01.');
  }
  const risks = losses.map((loss, index): RiskLimit => ({ loss, epsilon: epsilon[index] ?? 0 }));
  return { risks, delta, ...(budget !== undefined && { budgetFlops: budget }) };
}
