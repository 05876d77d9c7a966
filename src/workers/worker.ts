// A worker thread: one engine with one set of sessions, and the loop that runs it.
import { setImmediate } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { EngineModule } from '../engines/engine.js';
import { monotonicSeconds } from '../foundation/clock.js';
import { invariant } from '../foundation/errors.js';
import type { WorkerSetup } from './protocol.js';
import { startWorkerLoop } from './worker-loop.js';

invariant(parentPort, 'worker.ts runs as a worker thread');
const port = parentPort;
const setup = workerData as WorkerSetup;
const { createEngine } = (await import(setup.engine.module)) as EngineModule;
const receive = await startWorkerLoop({
  engine: await createEngine(setup.engine.options),
  setup,
  report: (message) => port.postMessage(message),
  // An engine may block the thread until its call ends: a turn of the event loop takes in what has come meanwhile.
  takeTurn: setImmediate,
  end: () => port.close(),
  now: monotonicSeconds,
});
port.on('message', receive);
