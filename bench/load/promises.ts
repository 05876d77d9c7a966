// How a load script ends: what it promises, whether that held, and exit code 1 if not all of it did.
import process from 'node:process';

/** @param promises what was promised, whether it held, and what was seen */
export function reportPromises(
  promises: readonly (readonly [what: string, held: boolean, seen: string])[],
): void {
  process.stdout.write('\n');
  for (const [what, held, seen] of promises) {
    process.stdout.write(held ? `kept    ${what}\n` : `BROKEN  ${what}: ${seen}\n`);
  }
  if (promises.some(([, held]) => !held)) process.exitCode = 1;
}
