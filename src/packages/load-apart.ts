// Loads packages in a thread of its own: to hash, read and cut a network may take seconds, and requests do not wait.
import { Worker } from 'node:worker_threads';
import { messageOf, PackageError } from '../foundation/errors.js';
import type { ModelPackage } from './package.js';
import type { PackageReport } from './package-thread.js';

/** To start the thread takes a second of a core, so it waits this long for further packages before it ends. */
const IDLE_MS = 5000;

interface PackageThread {
  load(directory: string): Promise<ModelPackage>;
}

interface Waiting {
  resolve(loaded: ModelPackage): void;
  reject(error: unknown): void;
}

let current: PackageThread | undefined;

/** @returns the package. The graphs of its segments are in memory that threads share. @throws PackageError as `loadPackage` */
export async function loadPackageApart(directory: string): Promise<ModelPackage> {
  try {
    current ??= startThread();
    return await current.load(directory);
  } catch (error) {
    if (error instanceof PackageError) throw error;
    throw new PackageError(`The package cannot be read: ${messageOf(error)}.`, { isPassing: true });
  }
}

function startThread(): PackageThread {
  const thread = new Worker(new URL('./package-thread.js', import.meta.url), { name: 'rdi-package' });
  thread.unref(); // a server that ends does not wait for it
  /** In the order of their packages. */
  const waiting: Waiting[] = [];
  let idle: NodeJS.Timeout | undefined;
  const self: PackageThread = {
    load(directory) {
      clearTimeout(idle);
      thread.postMessage(directory);
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
  };
  const leave = (): void => {
    clearTimeout(idle);
    if (current === self) current = undefined;
  };
  const failed = (error: unknown): void => {
    leave();
    for (const one of waiting.splice(0)) one.reject(error);
  };
  thread.on('message', ({ loaded, reason, isPassing }: PackageReport) => {
    const one = waiting.shift();
    if (loaded) one?.resolve(loaded);
    else one?.reject(new PackageError(reason, { isPassing }));
    if (waiting.length > 0) return;
    idle = setTimeout(() => {
      leave();
      void thread.terminate();
    }, IDLE_MS);
    idle.unref();
  });
  thread.once('error', failed);
  thread.once('exit', (code) => failed(new Error(`its thread ended with exit code ${code}`)));
  return self;
}
