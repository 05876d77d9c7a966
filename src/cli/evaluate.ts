// `rdi-serve evaluate`: runs a labelled data set through a model; reports accuracy, exits taken and cost per profile.
import process from 'node:process';
import { Command, Option } from 'commander';
import { pino } from 'pino';
import { classIndices, type NamedDataSet, openDataSet, takeEvenly } from '../datasets/open-data-set.js';
import { evaluate } from '../evaluation/evaluate.js';
import { createLocalSubject } from '../evaluation/local-subject.js';
import { metricsDifferences } from '../evaluation/metrics-agreement.js';
import { createRemoteSubject } from '../evaluation/remote-subject.js';
import { type Evaluation, renderEvaluation } from '../evaluation/report.js';
import { parseModelName, type Subject } from '../evaluation/subject.js';
import { summarise } from '../evaluation/summary.js';
import { FULL_PROFILE } from '../format/profiles.js';
import { UsageError } from '../foundation/errors.js';
import { positiveInteger } from '../foundation/numbers.js';
import { version } from '../foundation/version.js';
import { createLogger } from '../telemetry/logging.js';
import { checkCanBeMade, writeOutput } from './output-file.js';
import { withCount } from './progress/create-progress.js';

const details = `
Data sets:
  an IDX file of images, .gz or not; its labels are in the same folder or given by --labels
  a folder or a zip of [anything/]CLASS/image.png, .jpg or .webp
Labels are matched with the model's classes by name. Every image is processed like one of a
request: decoder, queue, workers. With --url, images are sent over HTTP to a running server;
no other client may use it meanwhile.

The service's own metrics are read before and after. If they do not agree exactly with the
answers (images per profile, exit and reason; FLOPs executed and of the backbone), the
differences are printed and the exit code is 1.

Examples:
  rdi-serve evaluate mnist-smallcnn --data mnist/t10k-images-idx3-ubyte.gz
  rdi-serve evaluate resnet38/2 --data cifar10/test.zip --profile fast --limit 1000
  rdi-serve evaluate mnist-smallcnn --data digits/ --url http://localhost:8080 --json out.json
`;

interface Options {
  readonly data: string;
  readonly labels?: string;
  readonly profile?: string[];
  readonly limit?: number;
  readonly url?: string;
  readonly apiKey?: string;
  readonly models: string;
  readonly json?: string;
}

export function evaluateCommand(): Command {
  return new Command('evaluate')
    .summary('measure accuracy, exits and cost on labelled images')
    .description(
      'Measures a model on labelled images: accuracy, exits taken and executed FLOPs, per profile.',
    )
    .argument('<model>', 'name or name/version; default: the newest version')
    .requiredOption('--data <path>', 'the data set')
    .option('--labels <path>', 'the IDX file of labels')
    .option('--profile <name...>', 'only these profiles; the full network is always run, for comparison')
    .option('--limit <n>', 'use only this many images, evenly spaced', positiveInteger)
    .option('--url <url>', 'evaluate this running server instead of this process')
    .addOption(
      new Option(
        '--api-key <key>',
        'if that server needs one; safer as an environment variable, because other users can read flags',
      ).env('RDI_API_KEY'),
    )
    .option('--models <folder>', 'the models folder; not used with --url', 'models')
    .option('--json <file>', 'also write the figures to this file')
    .addHelpText('after', details)
    .action(async (model: string, options: Options) => {
      if (options.json !== undefined) await checkCanBeMade(options.json);
      const dataSet = await openDataSet(options.data, options.labels);
      try {
        const evaluation = await run(model, dataSet, options);
        process.stdout.write(renderEvaluation(evaluation));
        if (options.json !== undefined)
          await writeOutput(options.json, `${JSON.stringify(evaluation, null, 2)}\n`);
        if (evaluation.metricsDifferences.length > 0) process.exitCode = 1;
      } finally {
        dataSet.close();
      }
    });
}

async function run(modelName: string, dataSet: NamedDataSet, options: Options): Promise<Evaluation> {
  const name = parseModelName(modelName);
  const subject =
    options.url !== undefined
      ? await createRemoteSubject(options.url, name, options.apiKey)
      : await createLocalSubject(options.models, name, createLogger('warn', pino.destination(2)));
  try {
    const { model } = subject;
    const profiles = chooseProfiles(model.profiles, options.profile);
    const samples = takeEvenly(dataSet.samples, options.limit ?? dataSet.samples.length);
    const truth = classIndices(samples, model.classes);
    const before = await subject.metrics();
    const results = await withCount('images classified', samples.length * profiles.length, (advance) =>
      evaluate(subject, samples, profiles, () => advance()),
    );
    const { name: modelId, version: modelVersion, engine, fullFlops, files = null } = model;
    return {
      tool: `rdi-serve ${version}`,
      date: new Date().toISOString(),
      model: { name: modelId, version: modelVersion, engine, fullFlops, files },
      dataSet: {
        name: dataSet.name,
        sha256: dataSet.sha256,
        images: dataSet.samples.length,
        used: samples.length,
      },
      profiles: summarise(model, results, truth),
      metricsDifferences: metricsDifferences(before, await subject.metrics(), model, results),
    };
  } finally {
    await subject.close();
  }
}

/** The wanted profiles in the model's order, the full network first. @throws UsageError if the model lacks one */
function chooseProfiles(known: Subject['model']['profiles'], wanted: readonly string[] = known): string[] {
  const lacking = wanted.filter((profile) => !known.includes(profile));
  if (lacking.length > 0) {
    throw new UsageError(`The model has no profile ${lacking.join(', ')}, only ${known.join(', ')}.`);
  }
  return [FULL_PROFILE, ...known.filter((name) => name !== FULL_PROFILE && wanted.includes(name))];
}
