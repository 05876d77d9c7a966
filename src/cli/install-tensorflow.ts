// `rdi-serve install-tensorflow`; `npm run install:tensorflow` runs it.
import process from 'node:process';
import { Command } from 'commander';
import { installTensorFlow } from '../engines/tensorflow/install/install.js';
import type { Download } from '../engines/tensorflow/install/wheels.js';
import { UsageError } from '../foundation/errors.js';
import { createProgress } from './progress/create-progress.js';
import type { Progress } from './progress/progress.js';

const details = `
Needs npm, a C++ compiler (default: g++; CXX names another) and glibc 2.28 or later on Linux.
Python is not needed. The libraries come from the Python package index (PIP_INDEX_URL names
another); each is checked against its hash in tensorflow/wheels.json. Everything is installed
in the folder tensorflow/, which npm ci does not change. To uninstall, delete
tensorflow/node_modules.

Examples:
  npm run install:tensorflow -- --cpu
  npm run install:tensorflow -- --gpu
  npm run install:tensorflow -- --cpu --wheel tensorflow_cpu-2.21.0-cp312-….whl
`;

const MIB = 2 ** 20;

interface Options {
  readonly cpu?: true;
  readonly gpu?: true;
  readonly wheel: readonly string[];
}

export function installTensorFlowCommand(): Command {
  return new Command('install-tensorflow')
    .summary('install the TensorFlow engine')
    .description('Installs @tensorflow/tfjs-node-gpu and compiles it against TensorFlow’s own libraries.')
    .option('--cpu', 'for a CPU: downloads about 260 MiB, needs 1.2 GiB of disk space')
    .option('--gpu', 'for an NVIDIA GPU, with CUDA and cuDNN: downloads 2.7 GiB, needs 4.6 GiB of disk space')
    .option('--wheel <file>', 'a wheel that is already downloaded; repeatable', collect, [])
    .addHelpText('after', details)
    .action(async ({ cpu, gpu, wheel }: Options) => {
      if (cpu === gpu) throw new UsageError('Give either --cpu or --gpu.');
      const progress = createProgress();
      const result = await installTensorFlow({
        device: gpu ? 'gpu' : 'cpu',
        wheels: wheel,
        index: process.env['PIP_INDEX_URL'] ?? 'https://pypi.org/simple/',
        compiler: process.env['CXX'] ?? 'g++',
        onStep: (what) => process.stdout.write(`${what}\n`),
        onProgress: (download) => show(progress, download),
      }).finally(() => progress.end());
      process.stdout.write(
        result.gpu
          ? 'TensorFlow is installed and computes on the GPU.\n'
          : `TensorFlow is installed and computes on the CPU${gpu ? '; it finds no GPU that it can use' : ''}.\n`,
      );
    });
}

function collect(file: string, before: readonly string[]): string[] {
  return [...before, file];
}

function show(progress: Progress, { totalBytes, receivedBytes }: Download): void {
  if (totalBytes === undefined) return;
  const round = receivedBytes === totalBytes ? Math.ceil : Math.floor;
  progress.show('MiB', round(receivedBytes / MIB), Math.ceil(totalBytes / MIB));
}
