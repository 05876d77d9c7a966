// `rdi-serve serve` with another engine, whose module RDI_TEST_ENGINE names.
import { Command } from 'commander';
import { createConfig, flagOf, settingNames } from '../../src/config.js';
import { serve } from '../../src/server.js';

const command = new Command();
for (const name of settingNames) command.option(`${flagOf(name)} <value>`);
command.parse();
await serve(createConfig(command.opts()), process.env['RDI_TEST_ENGINE']);
