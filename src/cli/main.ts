#!/usr/bin/env node
// The command line: one file per command. A mistake of the user's is one sentence and exit code 1; a fault of
// ours keeps its stack.
import process from 'node:process';
import { Command } from 'commander';
import { PackageError, UsageError } from '../errors.js';
import { version } from '../version.js';
import { apiKeyCommand } from './api-key.js';
import { benchCommand } from './bench.js';
import { calibrateCommand } from './calibrate.js';
import { evaluateCommand } from './evaluate.js';
import { importCommand } from './import.js';
import { installTensorFlowCommand } from './install-tensorflow.js';
import { openapiCommand } from './openapi.js';
import { serveCommand } from './serve.js';

const program = new Command('rdi-serve')
  .description('HTTP inference for multi-exit image classifiers.')
  .version(version)
  .addCommand(serveCommand())
  .addCommand(importCommand())
  .addCommand(calibrateCommand())
  .addCommand(evaluateCommand())
  .addCommand(benchCommand())
  .addCommand(apiKeyCommand())
  .addCommand(installTensorFlowCommand())
  .addCommand(openapiCommand());

try {
  await program.parseAsync();
} catch (error) {
  const expected = error instanceof UsageError || error instanceof PackageError;
  process.stderr.write(`${expected ? `rdi-serve: ${error.message}` : (error as Error).stack}\n`);
  process.exitCode = 1;
}
