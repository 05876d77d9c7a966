// Files that a command writes at its end for the user: whether they can be is to be known before the work.
import { access, constants, mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, UsageError } from '../foundation/errors.js';

/** Of a file that is there already it asks nothing: it may be there to be read. @throws UsageError if it could not be made */
export async function checkCanBeMade(path: string): Promise<void> {
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory() || path === '' || path.endsWith('/')) {
    throw new UsageError(`"${path}" cannot be written: it is not the name of a file.`);
  }
  // With a slash at the end, so that it must be a folder.
  if (!there) await writing(path, () => access(`${dirname(path)}/`, constants.W_OK | constants.X_OK));
}

/** In a folder that is there. @throws UsageError if it cannot be written */
export async function writeOutput(path: string, text: string): Promise<void> {
  await writing(path, () => writeFile(path, text));
}

/** In a folder that is made if need be. @throws UsageError if it cannot be written */
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
