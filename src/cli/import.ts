// `rdi-serve import`: turns an exported multi-exit network into a model package and shows what its exits cost.
import { readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { createEngine } from '../engines/onnx.js';
import { checkClassNames, nameRange } from '../format/class-names.js';
import type { Description } from '../format/description.js';
import { messageOf, UsageError } from '../foundation/errors.js';
import { type ImportedPackage, importPackage } from '../packages/import.js';
import { readLabels, renameRepeated } from '../packages/importing/class-labels.js';
import { readGivenImages } from '../packages/importing/given-images.js';
import { presetNames } from '../packages/importing/presets.js';
import type { Wishes } from '../packages/importing/propose.js';
import { costTable } from '../report/cost-table.js';
import { serveLine } from '../report/serve-line.js';
import { type ExpectationFlags, expectationFlags, expectationOf } from './expectation-flags.js';

const details = `
SOURCE holds
  model.onnx        the whole network as one graph: image [N, C, H, W] or [N, H, W, C] in,
                    the logits [N, classes] of every exit out; weights may lie beside it
  description.json  what the graph cannot say (below)
and, where you have them, golden.json, golden-images.json, calibration.json, checkpoint.safetensors,
MODEL_CARD.md, and the images that "examples" of description.json names, in examples/. Golden
outputs from the framework that trained the network are worth having: they prove that the
export is faithful. Without them they are made here.

description.json:
  {
    "name": "mnist-smallcnn", "version": "1.0.0", "licence": "Apache-2.0",
    "description": "…", "classes": ["0", "1", …],
    "tensor": "image",
    "input": { "height": 28, "width": 28, "channels": 1, "mean": [0], "std": [1],
               "resize": "fill", "background": 0 },
    "exits": [
      { "name": "exit-0", "logits": "logits_0", "cut": "features_0" },
      { "name": "final", "logits": "logits_1" }
    ],
    "provenance": { "dataset": "MNIST" }
  }
A cut is the tensor that crosses from a stage to the next, or a list of all that cross;
the head of its exit depends on it. The last exit has none. Values are (pixel / 255 − mean) / std;
resize is fill, cover or contain, or what the network was trained with: docs/models.md.

Examples:
  rdi-serve import export/
  rdi-serve import export/ --output /srv/models --force
  rdi-serve import net.onnx --classes labels.txt --preprocess imagenet
  rdi-serve import net.onnx --classes labels.txt --preprocess imagenet --golden-images photos/

Of an ONNX file alone the description is proposed, shown, and written beside the file.
The image, the exits and the cuts are found in the graph: an exit is an output [N, classes],
its cut the last tensor that it shares with all exits behind it, or a list of several.
`;

interface ImportFlags extends FileFlags, ExpectationFlags {
  readonly goldenImages?: string;
  readonly output: string;
  readonly force: boolean;
}

/** What a file alone does not say. */
export interface FileFlags {
  readonly classes?: string;
  readonly renameRepeatedClasses?: boolean;
  readonly preprocess?: string;
  readonly name?: string;
  readonly modelVersion?: string;
  readonly licence?: string;
  readonly size?: Wishes['size'];
}

export function importCommand(): Command {
  const command = new Command('import')
    .summary('make a model package from an ONNX export')
    .description('Makes a checked model package, <output>/<name>/<version>/, from an exported network.')
    .argument('<source>', 'folder with model.onnx and description.json, or an ONNX file alone')
    .option('--output <folder>', 'models folder to put the package into', 'models')
    .option('--force', 'replace a package of the same name and version', false);
  return fileFlags(expectationFlags(command))
    .option(
      '--golden-images <path>',
      'of a file alone: a golden-images.json with logits from the framework; or an image or a folder of them, whose ' +
        'logits are recorded here',
    )
    .addHelpText('after', details)
    .action(async (source: string, flags: ImportFlags) => {
      const { output, force } = flags;
      const { goldenImages: path } = flags;
      const goldenImages = path === undefined ? undefined : await readGivenImages(path);
      const wishes = {
        ...(await wishesOf(flags)),
        ...(await expectationOf(flags)),
        ...(goldenImages && { goldenImages }),
      };
      const made = await importPackage({ source, output, force, engine: createEngine(), wishes });
      process.stdout.write(reportOf(made));
      if (made.proposed) await writeProposal(source, made.proposed);
      process.stdout.write(nextSteps(made, output));
    });
}

/** Adds the flags that say what a file alone does not. */
export function fileFlags(command: Command): Command {
  return command
    .option('--classes <file>', 'of a file alone: names of the classes, one per line, in columns, or as JSON')
    .option('--rename-repeated-classes', 'add its index to each name of several classes, such as crane (134)')
    .option(
      '--preprocess <preset>',
      `of a file alone: ${presetNames.join(', ')}, or a preprocessor_config.json or pretrained_cfg`,
    )
    .option('--size <height>x<width>', 'of a file alone that leaves the size of the image open', parseSize)
    .option(
      '--name <name>',
      'of a file alone: name of the model; default: that of the file, or of the folder of a model.onnx',
    )
    .option('--model-version <version>', 'of a file alone: version of the model; default: 1')
    .option('--licence <licence>', 'of a file alone: licence of the model; default: unknown');
}

export async function wishesOf(flags: FileFlags): Promise<Wishes> {
  const { classes: file, preprocess, name, modelVersion: version, licence, size } = flags;
  const classes = file === undefined ? undefined : await classesOf(file, flags.renameRepeatedClasses);
  return {
    ...(classes && { classes }),
    ...(preprocess !== undefined && { preprocess: await preprocessingOf(preprocess) }),
    ...(name !== undefined && { name }),
    ...(version !== undefined && { version }),
    ...(licence !== undefined && { licence }),
    ...(size && { size }),
  };
}

async function classesOf(file: string, renames = false): Promise<string[]> {
  const read = readLabels(file, await readText('--classes', file));
  const names = renames ? renameRepeated(read) : read;
  try {
    checkClassNames(file, names);
    return names;
  } catch (error) {
    const hint = 'Or give --rename-repeated-classes, which adds its index to each of them.';
    throw new UsageError(`${messageOf(error)}${/same name/.test(messageOf(error)) ? ` ${hint}` : ''}`, {
      cause: error,
    });
  }
}

/** A preset by its name; anything else is a file. */
async function preprocessingOf(name: string): Promise<NonNullable<Wishes['preprocess']>> {
  if (presetNames.includes(name) || !/[./\\]/.test(name)) return name;
  return { file: name, text: await readText('--preprocess', name) };
}

function reportOf(made: ImportedPackage): string {
  const golden = made.goldenMade
    ? 'made here, from synthetic images'
    : `${made.golden.cases.length} cases reproduced at every exit`;
  const images = made.goldenImages?.cases.length;
  const proof = made.imagesRecorded
    ? 'recorded at every exit; how the network was trained to see them is not proven'
    : 'reproduced at every exit';
  const goldenImages = images === undefined ? '' : `Golden images: ${images} ${proof}.\n`;
  return (
    `${made.directory}\n\n${costTable(made.manifest)}\n` +
    `Profiles: ${[...made.profiles.keys()].join(', ')} (default ${made.defaultProfile}).\n` +
    `Golden outputs: ${golden}.\n${goldenImages}${made.notes.map((note) => `${note}\n`).join('')}`
  );
}

/** What makes images leave early, if they do not yet, and how to serve the package. */
function nextSteps({ manifest, profiles }: ImportedPackage, output: string): string {
  const serve = serveLine(output);
  if (profiles.size > 1) return `\n${serve}`;
  const hint =
    manifest.exits.length === 1
      ? 'The network has one exit, so every image runs to its end. rdi-serve add-exits gives it more.'
      : 'Every image runs to the final exit until thresholds are chosen: rdi-serve calibrate does that.';
  return `\n${hint}\n${serve}`;
}

/** Beside the model, under its name: to be looked over, and to be changed where it is not right. */
async function writeProposal(source: string, proposed: Description): Promise<void> {
  const file = join(dirname(source), `${basename(source).replace(/\.onnx$/i, '')}.description.json`);
  const { classes, ...rest } = proposed;
  const text = `${JSON.stringify(proposed, undefined, 2)}\n`;
  process.stdout.write(
    `\nThe network was described as follows, with ${classes.length} classes ${nameRange(classes)}:\n` +
      `${JSON.stringify(rest, undefined, 2)}\n`,
  );
  try {
    await writeFile(file, text, { flag: 'wx' });
    process.stdout.write(
      `Written to ${file}. If something is wrong in it, change it, put it beside model.onnx as description.json, ` +
        'and import that folder.\n',
    );
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
    process.stdout.write(
      isThere
        ? `${file} is there already and stays as it is.\n`
        : `It could not be written to ${file}: ${messageOf(error)}.\n`,
    );
  }
}

function parseSize(text: string): NonNullable<Wishes['size']> {
  const [, height, width] = /^(\d{1,4})x(\d{1,4})$/.exec(text) ?? [];
  if (height === undefined || width === undefined) {
    throw new InvalidArgumentError('It is a height and a width, such as 224x224.');
  }
  return { height: Number(height), width: Number(width) };
}

async function readText(flag: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${flag}: "${file}" cannot be read: ${messageOf(error)}.`, { cause: error });
  }
}
