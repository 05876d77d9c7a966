// Prints the promises that a load script checked. Sets exit code 1 if one was broken.
import process from 'node:process';

/** @param promises the promise, whether it was kept, and the observed value */
export function reportPromises(
  promises: readonly (readonly [what: string, held: boolean, seen: string])[],
): void {
  process.stdout.write('\n');
  for (const [what, held, seen] of promises) {
    process.stdout.write(held ? `kept    ${what}\n` : `BROKEN  ${what}: ${seen}\n`);
  }
  if (promises.some(([, held]) => !held)) process.exitCode = 1;
}
