#!/usr/bin/env node
// The command line: one file per command. A user's mistake prints one sentence; a bug prints its stack. Both exit with
// code 1.
import '../config/thread-pool.js';
import process from 'node:process';
import { Command } from 'commander';
import { PackageError, UsageError } from '../foundation/errors.js';
import { version } from '../foundation/version.js';

const commands: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ['serve', async () => (await import('./serve.js')).serveCommand()],
  ['import', async () => (await import('./import.js')).importCommand()],
  ['add-exits', async () => (await import('./add-exits/add-exits.js')).addExitsCommand()],
  ['refresh', async () => (await import('./add-exits/refresh.js')).refreshCommand()],
  ['calibrate', async () => (await import('./calibrate.js')).calibrateCommand()],
  ['typicality', async () => (await import('./typicality.js')).typicalityCommand()],
  ['evaluate', async () => (await import('./evaluate.js')).evaluateCommand()],
  ['bench', async () => (await import('./bench.js')).benchCommand()],
  ['api-key', async () => (await import('./api-key.js')).apiKeyCommand()],
  ['install-tensorflow', async () => (await import('./install-tensorflow.js')).installTensorFlowCommand()],
  ['openapi', async () => (await import('./openapi.js')).openapiCommand()],
]);

const program = new Command('rdi-serve')
  .description('HTTP inference for multi-exit image classifiers.')
  .version(version);
// All commands together take a second to load. So only the requested one is loaded, or all of them for the help.
const asked = commands.get(process.argv[2] ?? '');
for (const create of asked ? [asked] : commands.values()) program.addCommand(await create());

// The reader of the output may exit early, as `head` does; output files are still written. Not for serve: its log
// writes to the file descriptor directly, and opening the stream would make the descriptor non-blocking.
if (process.argv[2] !== 'serve') {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exitCode ||= 1;
  });
}

try {
  await program.parseAsync();
} catch (error) {
  const expected = error instanceof UsageError || error instanceof PackageError;
  process.stderr.write(`${expected ? `rdi-serve: ${error.message}` : (error as Error).stack}\n`);
  process.exitCode = 1;
}
