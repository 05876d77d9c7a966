// Serves with the engine of instant-engine.ts. The settings come from the environment.
import process from 'node:process';
import { createConfig } from '../src/config/config.js';
import { settingsIn } from '../src/config/environment.js';
import { serve } from '../src/server.js';

const engine = new URL('./instant-engine.js', import.meta.url).href;
await serve(createConfig(settingsIn(process.env).settings), { engineModule: engine });
