// `rdi-serve calibrate`: chooses thresholds with a guarantee, on images that the network was not trained on.
import process from 'node:process';
import { Command, Option } from 'commander';
import { calibrate } from '../calibration/certify.js';
import { type CostByExit, timeCost } from '../calibration/cost.js';
import { issueProfile } from '../calibration/issue.js';
import { renderPlot } from '../calibration/plot.js';
import { createExitTable } from '../calibration/scores/exit-table.js';
import { checkCopies } from '../calibration/scores/paired-tables.js';
import type { Recording } from '../calibration/scores/recording.js';
import { measureSegments } from '../calibration/segment-times.js';
import { exactPercent } from '../calibration/statement.js';
import { createEngine } from '../engines/onnx.js';
import { parseModelName } from '../evaluation/subject.js';
import type { Manifest } from '../format/manifest.js';
import { FULL_PROFILE, type Policy } from '../format/profiles.js';
import { UsageError } from '../foundation/errors.js';
import { integer, positiveNumber, properShare, properShares } from '../foundation/numbers.js';
import { version } from '../foundation/version.js';
import { fullFlops } from '../network/execution-path.js';
import type { ModelPackage } from '../packages/package.js';
import { findPackage } from '../packages/repository.js';
import { saveProfile } from '../packages/save-profile.js';
import { policyNames } from '../policies/policies.js';
import { type GoalOptions, goalOf } from './calibrate-goal.js';
import { obtainScores, type ScoresOptions } from './calibrate-scores.js';
import { pathTable, refusalOf, timesTable } from './calibrate-table.js';
import { checkCanBeMade, writeOutput } from './output-file.js';
import { measureDataSet } from './typicality.js';

const details = `
The images must be like future traffic. They must come neither from the training set nor from
the test set. Half of them (tune) build a path of cheaper and cheaper threshold vectors; exits
whose heads cost more than they save are switched off. The other half (cal) test the path,
point by point. The last point that passes becomes the profile, with its certificate: with
confidence 1 − δ, the risk on traffic like these images is at most ε. docs/calibration.md
explains what that means.

Risks:
  consistency  share of answers that differ from the full network's; needs no classes
  error        accuracy lost against the full network; needs the true classes
Several risks hold together: --risk consistency error --epsilon 0.01 0.005
--budget alone chooses the most careful thresholds whose mean cost is certified to be within
the budget; with a risk, both hold, or the result is "infeasible".

--cost time measures what every segment takes on this machine and looks for the thresholds that
save most time. An exit that saves FLOPs but no time is switched off. The certificate states
FLOPs all the same.

--off exit-1 switches off exits that are known to be poor, or easy to attack.

--adversarial names adversarial copies: one of every image, in the same order. The risks must
then also hold on the copies, each compared with the full network's answer to the copy.
The limits on the copies may differ: --adversarial-risk error --adversarial-epsilon 0.02

With --data, the profile's package also says what the images look like, so that answers tell of
images unlike them (docs/typicality.md).

Exit code 2: nothing could be certified, and no profile was written.

Examples:
  rdi-serve calibrate mnist-smallcnn --data held-out/images-idx3-ubyte.gz \\
      --epsilon 0.005 --profile balanced --default --plot balanced.svg
  rdi-serve calibrate resnet38/2 --data held-out.zip --scores resnet38.safetensors \\
      --risk error --epsilon 0.01 --delta 0.1 --policy entropy margin --profile fast
  rdi-serve calibrate mnist-smallcnn --data held-out/ --epsilon 0.005 --profile steady \\
      --adversarial copies/ --attack "PGD, L∞ radius 0.3, 40 steps" --adversarial-epsilon 0.02
`;

interface Options extends ScoresOptions, GoalOptions {
  readonly models: string;
  readonly policy: readonly Policy[];
  readonly cost: 'flops' | 'time';
  readonly off?: readonly string[];
  readonly tuneShare: number;
  readonly seed: number;
  readonly profile: string;
  readonly default: boolean;
  readonly plot?: string;
}

export function calibrateCommand(): Command {
  return new Command('calibrate')
    .summary('choose and certify the thresholds of a profile')
    .description('Chooses the thresholds of a profile on held-out images and certifies their risk and cost.')
    .argument('<model>', 'name or name/version; default: the newest version')
    .option(
      '--data <path>',
      'held-out images: IDX file, folder or zip; not needed if the --scores file exists',
    )
    .option('--labels <path>', 'the IDX file of labels; default: found by its name')
    .option('--no-labels', 'the images have no classes: any folder, zip or IDX file of images')
    .option('--models <folder>', 'the models folder', 'models')
    .addOption(
      new Option(
        '--risk <loss...>',
        'what to limit (default: consistency, unless there is a --budget)',
      ).choices(['consistency', 'error']),
    )
    .option('--epsilon <share...>', 'upper limit of the risk, one for each risk', properShares)
    .option('--delta <share>', 'probability that the certificate is wrong', properShare, 0.05)
    .option('--budget <flops>', 'upper limit of the mean FLOPs per image', positiveNumber)
    .option(
      '--adversarial <path>',
      'adversarial copies of the images, on which risks are also limited: as --data, same order',
    )
    .option('--attack <text>', 'the attack that made the copies, for the certificate')
    .addOption(
      new Option('--adversarial-risk <loss...>', 'what to limit on the copies (default: as --risk)').choices([
        'consistency',
        'error',
      ]),
    )
    .option(
      '--adversarial-epsilon <share...>',
      'upper limit on the copies (default: as --epsilon)',
      properShares,
    )
    .option('--adversarial-scores <file>', 'recorded scores of the copies, as --scores')
    .addOption(
      new Option(
        '--policy <policy...>',
        'the exit policy; of several, the cheapest on the tune images is chosen',
      )
        .choices(policyNames)
        .default(['entropy']),
    )
    .addOption(
      new Option(
        '--cost <measure>',
        'what the thresholds save: FLOPs, or engine time measured on this machine',
      )
        .choices(['flops', 'time'])
        .default('flops'),
    )
    .option('--off <exit...>', 'exits at which no image may leave')
    .option('--tune-share <share>', 'share of the images that build the path', properShare, 0.5)
    .option('--seed <n>', 'seed of the split', integer, 1)
    .option('--scores <file>', 'recorded scores (safetensors): read if the file exists, else written')
    .requiredOption('--profile <name>', 'the profile to write')
    .option('--default', 'make this the default profile', false)
    .option('--plot <file>', 'write risk and cost along the path as an SVG')
    .addHelpText('after', details)
    .action(run);
}

async function run(modelName: string, options: Options): Promise<void> {
  const asked = goalOf(options);
  if (options.profile === FULL_PROFILE || !/^[a-z0-9][a-z0-9._-]{0,63}$/.test(options.profile)) {
    throw new UsageError(
      `--profile cannot be "${options.profile}": use lower-case letters, digits, ".", "_" and "-"; "full" is reserved.`,
    );
  }
  const { name, version: wanted } = parseModelName(modelName);
  const model = await findPackage(options.models, name, wanted);
  const off = exitIndices(model.manifest, options.off ?? []);
  for (const file of [options.scores, options.adversarialScores, options.plot]) {
    if (file !== undefined) await checkCanBeMade(file);
  }
  const { manifest } = model;
  const recording = await obtainScores(model, options, '--data');
  const costOf = options.cost === 'time' ? await measuredCost(model) : undefined;
  const goal = { ...asked, off, ...(costOf && { costOf }) };
  const isRobust = goal.risks.some(({ data }) => data === 'adversarial');
  const copies = isRobust ? await obtainCopies(model, options, recording) : undefined;
  const policies = options.policy.map((policy) => ({
    clean: createExitTable(recording, policy),
    ...(copies && { adversarial: createExitTable(copies, policy) }),
  }));
  const tested = calibrate(policies, manifest.exits, goal, options);
  const { path, choice, tuneImages, calImages } = tested;
  const backbone = fullFlops(manifest.exits);

  process.stdout.write(
    `${recording.model}: ${tuneImages} tune and ${calImages} cal images, policy ${path.policy}, ` +
      `${path.points.length} points.\n\n${pathTable(tested, backbone, costOf)}\n`,
  );
  if (choice.kind === 'point') {
    const profile = issueProfile({
      tested,
      index: choice.index,
      goal,
      seed: options.seed,
      recording,
      ...(copies && { adversarialCopies: { attack: options.attack ?? '', sha256: copies.dataSha256 } }),
      manifest,
      date: new Date(),
      tool: `rdi-serve ${version}`,
    });
    const typicality = await measureDataSet(model, options, options.seed);
    await saveProfile(model, { name: options.profile, profile, makeDefault: options.default, typicality });
    process.stdout.write(`${options.profile}: ${profile.certificate?.statement}\n`);
  } else {
    process.stdout.write(`${refusalOf(tested, goal)}\n`);
    process.exitCode = 2;
  }
  // The plot is written last: if that fails, the profile is already saved.
  if (options.plot !== undefined) {
    const limits = goal.risks
      .filter(({ data }) => data === 'clean')
      .map(({ loss, epsilon }) => `, ${loss} ε ${exactPercent(epsilon)}`)
      .join('');
    const title = `${recording.model}, ${options.profile}${limits}, δ ${goal.delta}`;
    await writeOutput(options.plot, renderPlot(tested, { title, fullFlops: backbone }));
  }
}

/** Engine time of the cascade, in seconds. Says what each exit costs. */
async function measuredCost(model: ModelPackage): Promise<CostByExit> {
  const { exits } = model.manifest;
  const images = model.golden.cases.map(({ pixels }) => Buffer.from(pixels, 'base64'));
  const times = await measureSegments(createEngine(), model, images);
  process.stdout.write(`${timesTable(exits, times)}\n\n`);
  return timeCost(exits, times);
}

/** Indices of the named side exits. @throws UsageError if there is no such side exit */
function exitIndices({ name, exits }: Manifest, names: readonly string[]): ReadonlySet<number> {
  const sideExits = exits.slice(0, -1).map((exit) => exit.name);
  return new Set(
    names.map((one) => {
      if (sideExits.includes(one)) return sideExits.indexOf(one);
      throw new UsageError(`--off ${one}: the side exits of ${name} are ${sideExits.join(', ')}.`);
    }),
  );
}

/** Scores of the adversarial copies. @throws UsageError if they cannot be copies of the recorded images */
async function obtainCopies(
  model: ModelPackage,
  { adversarial, adversarialScores, labels }: Options,
  recording: Recording,
): Promise<Recording> {
  const options = {
    labels: labels !== false,
    ...(adversarial !== undefined && { data: adversarial }),
    ...(adversarialScores !== undefined && { scores: adversarialScores }),
  };
  const copies = await obtainScores(model, options, '--adversarial');
  checkCopies(recording, copies);
  return copies;
}
