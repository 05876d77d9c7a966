// `rdi-serve serve` with the engine of instant-engine.ts.
import { Command } from 'commander';
import { serveCommand } from '../src/cli/serve.js';

const engine = new URL('./instant-engine.js', import.meta.url).href;
await new Command().addCommand(serveCommand(engine)).parseAsync();
