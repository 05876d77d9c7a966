// The entry point of the thread that load-apart.ts starts: it loads one package after the other.
import { on } from 'node:events';
import { parentPort } from 'node:worker_threads';
import { invariant, messageOf, PackageError } from '../foundation/errors.js';
import { loadPackage, type ModelPackage } from './package.js';

export interface PackageReport {
  /** undefined: the package is refused. */
  readonly loaded: ModelPackage | undefined;
  readonly reason: string;
  /** See `PackageError`. */
  readonly isPassing: boolean;
}

invariant(parentPort, 'package-thread.ts runs as a thread');
const directories = on(parentPort, 'message') as AsyncIterable<[string]>;
for await (const [directory] of directories) parentPort.postMessage(await load(directory));

async function load(directory: string): Promise<PackageReport> {
  try {
    return { loaded: await loadPackage(directory), reason: '', isPassing: false };
  } catch (error) {
    const isPassing = error instanceof PackageError && error.isPassing;
    return { loaded: undefined, reason: messageOf(error), isPassing };
  }
}
