// Serves, with settings from the environment, by the engine of instant-engine.ts.
import process from 'node:process';
import { createConfig, settingsIn } from '../src/config.js';
import { serve } from '../src/server.js';

const engine = new URL('./instant-engine.js', import.meta.url).href;
await serve(createConfig(settingsIn(process.env)), engine);
