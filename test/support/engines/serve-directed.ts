// `rdi-serve serve` with another engine, whose module RDI_TEST_ENGINE names.
import { serveCommand } from '../../../src/cli/serve.js';

await serveCommand(process.env['RDI_TEST_ENGINE']).parseAsync();
