// Loads a package in a thread of its own: to hash, read and cut a network may take seconds, and requests do not wait.
import { Worker } from 'node:worker_threads';
import { messageOf, PackageError } from '../foundation/errors.js';
import type { ModelPackage } from './package.js';
import type { PackageReport } from './package-thread.js';

/** @returns the package. The graphs of its segments are in memory that threads share. @throws PackageError as `loadPackage` */
export function loadPackageApart(directory: string): Promise<ModelPackage> {
  return new Promise((resolve, reject) => {
    const failed = (error: unknown): void =>
      reject(new PackageError(`The package cannot be read: ${messageOf(error)}.`, { isPassing: true }));
    try {
      const url = new URL('./package-thread.js', import.meta.url);
      const thread = new Worker(url, { workerData: directory, name: 'rdi-package' });
      thread.unref(); // a server that ends does not wait for it
      thread.once('message', ({ loaded, reason, isPassing }: PackageReport) => {
        if (loaded) resolve(loaded);
        else reject(new PackageError(reason, { isPassing }));
      });
      thread.once('error', failed);
      thread.once('exit', (code) => failed(`its thread ended with exit code ${code}`));
    } catch (error) {
      failed(error);
    }
  });
}
