// The entry point of a worker thread: creates the engine and starts the loop.
import { setImmediate } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { EngineModule } from '../engines/engine.js';
import { monotonicSeconds } from '../foundation/clock.js';
import { invariant } from '../foundation/errors.js';
import { lowerPriority } from '../foundation/lower-priority.js';
import type { WorkerSetup } from './protocol.js';
import { startWorkerLoop } from './worker-loop.js';

invariant(parentPort, 'worker.ts runs as a worker thread');
const port = parentPort;
lowerPriority();
const setup = workerData as WorkerSetup;
const { createEngine } = (await import(setup.engine.module)) as EngineModule;
const receive = await startWorkerLoop({
  engine: await createEngine(setup.engine.options),
  setup,
  report: (message) => port.postMessage(message),
  // An engine call may block the thread, so one turn of the event loop receives the commands that arrived meanwhile.
  takeTurn: setImmediate,
  end: () => port.close(),
  now: monotonicSeconds,
});
port.on('message', receive);
