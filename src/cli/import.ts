// `rdi-serve import`: turns an exported multi-exit network into a model package and shows what its exits cost.
import { Command } from 'commander';
import { createEngine } from '../engines/onnx.js';
import { importPackage } from '../packages/import.js';
import { costTable } from '../report/cost-table.js';

const details = `
SOURCE holds
  model.onnx        the whole network as one graph: float32 image [N, C, H, W] with a
                    dynamic batch in, the logits [N, classes] of every exit out
  description.json  what the graph cannot say (below)
and, where you have them, golden.json, calibration.json, checkpoint.safetensors and
MODEL_CARD.md. Golden outputs from the framework that trained the network are worth
having: they prove that the export is faithful. Without them they are made here.

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
A cut is the one tensor that crosses from a stage to the next; the head of its exit
hangs on it. The last exit has none. Values are (pixel / 255 − mean) / std; resize is
fill, cover or contain.

Examples:
  rdi-serve import export/
  rdi-serve import export/ --output /srv/models --force
`;

export function importCommand(): Command {
  return new Command('import')
    .summary('make a model package from an ONNX export')
    .description('Makes a checked model package, <output>/<name>/<version>/, from an exported network.')
    .argument('<source>', 'folder with model.onnx and description.json')
    .option('--output <folder>', 'models folder to put the package into', 'models')
    .option('--force', 'replace a package of the same name and version', false)
    .addHelpText('after', details)
    .action(async (source: string, { output, force }: { output: string; force: boolean }) => {
      const made = await importPackage({ source, output, force, engine: createEngine() });
      const golden = made.goldenMade
        ? 'made here, from synthetic images'
        : `${made.golden.cases.length} cases reproduced at every exit`;
      process.stdout.write(
        `${made.directory}\n\n${costTable(made.manifest)}\n` +
          `Profiles: ${[...made.profiles.keys()].join(', ')} (default ${made.defaultProfile}).\n` +
          `Golden outputs: ${golden}.\n${made.notes.map((note) => `${note}\n`).join('')}`,
      );
    });
}
