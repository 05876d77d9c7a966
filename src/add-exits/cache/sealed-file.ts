// Files that are whole or not there: written aside and renamed, with their hash in front. A file that was cut short or
// damaged on the disk is removed when it is read, and what was in it is made again.
import { createHash, randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { messageOf, UsageError } from '../../foundation/errors.js';

const HASH_BYTES = 32;

/** @throws UsageError if it cannot be written */
export async function writeSealed(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const aside = `${path}.${randomUUID()}.part`;
  try {
    await writeFile(aside, [hashOf(parts), ...parts]);
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw new UsageError(
      `The cache file "${path}" cannot be written: ${messageOf(error)}. --cache names another folder.`,
      { cause: error },
    );
  }
}

/** @returns undefined if there is no such file, or it was not whole and has been removed */
export async function readSealed(path: string): Promise<Buffer | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  const content = bytes?.subarray(HASH_BYTES);
  if (bytes && content && hashOf([content]).equals(bytes.subarray(0, HASH_BYTES))) return content;
  await rm(path, { force: true });
  return undefined;
}

function hashOf(parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
