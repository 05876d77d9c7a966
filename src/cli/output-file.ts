// Output files that a command writes at its end. Whether a file can be written is checked before the work starts.
import { access, constants, mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, UsageError } from '../foundation/errors.js';

/** An existing file is not checked: the command may only read it. @throws UsageError if it could not be created */
export async function checkCanBeMade(path: string): Promise<void> {
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory() || path === '' || path.endsWith('/')) {
    throw new UsageError(`"${path}" cannot be written: it is not the name of a file.`);
  }
  // The slash at the end makes `access` fail if the path is not a folder.
  if (!there) await writing(path, () => access(`${dirname(path)}/`, constants.W_OK | constants.X_OK));
}

/** Writes into an existing folder. @throws UsageError if that fails */
export async function writeOutput(path: string, text: string): Promise<void> {
  await writing(path, () => writeFile(path, text));
}

/** Creates the folder if necessary. @throws UsageError if that fails */
export async function writeOutputInNewFolder(path: string, text: string): Promise<void> {
  await writing(path, () => mkdir(dirname(path), { recursive: true }).then(() => writeFile(path, text)));
}

async function writing(path: string, task: () => Promise<void>): Promise<void> {
  try {
    await task();
  } catch (error) {
    throw new UsageError(`"${path}" cannot be written: ${messageOf(error)}.`, { cause: error });
  }
}
