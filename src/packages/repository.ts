// Finds the packages of a models folder: <folder>/<name>/<version>/. A refused package does not affect the others.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, PackageError, UsageError } from '../foundation/errors.js';
import { loadPackage, type ModelPackage } from './package.js';

export interface RefusedPackage {
  readonly name: string;
  /** `*`: unknown, because the folder of the name cannot be read. */
  readonly version: string;
  readonly reason: string;
}

/** The reasons of all refusals, to append to a sentence; empty if there are none. */
export function reasonsOf(refused: readonly RefusedPackage[]): string {
  return refused.map(({ name, version, reason }) => ` ${name}/${version}: ${reason}`).join('');
}

export interface FoundPackages {
  /** Sorted by name and then by version, the newest last. */
  readonly packages: ModelPackage[];
  /** In the same order. */
  readonly refused: RefusedPackage[];
}

/** Compares numbers inside a version as numbers: 1.9 comes before 1.10. */
const order = new Intl.Collator('en', { numeric: true });

/** @throws UsageError if there is no such folder. */
export async function findPackages(modelsDirectory: string): Promise<FoundPackages> {
  const found: FoundPackages = { packages: [], refused: [] };
  for (const name of await namesIn(modelsDirectory)) {
    const refuse = (version: string, error: unknown): void =>
      void found.refused.push({ name, version, reason: messageOf(error) });
    const versions = await versionsIn(join(modelsDirectory, name)).catch((error) => refuse('*', error));
    for (const version of versions ?? []) {
      try {
        found.packages.push(await loadPackage(join(modelsDirectory, name, version)));
      } catch (error) {
        refuse(version, error);
      }
    }
  }
  return found;
}

/**
 * Loads one package. Others in the folder may be damaged.
 * @param version undefined: the newest
 * @throws UsageError if there is no such package; PackageError if it is refused or its folder cannot be read
 */
export async function findPackage(
  modelsDirectory: string,
  name: string,
  version: string | undefined,
): Promise<ModelPackage> {
  const names = await namesIn(modelsDirectory);
  const versions = names.includes(name) ? await versionsIn(join(modelsDirectory, name)) : [];
  const wanted = version ?? versions.at(-1);
  if (wanted === undefined || !versions.includes(wanted)) {
    const missing = version === undefined ? name : `${name}/${version}`;
    throw new UsageError(
      `There is no ${missing} in "${modelsDirectory}"; the models there: ${names.join(', ')}.`,
    );
  }
  return loadPackage(join(modelsDirectory, name, wanted));
}

async function namesIn(modelsDirectory: string): Promise<string[]> {
  try {
    return await foldersIn(modelsDirectory);
  } catch (error) {
    throw new UsageError(`The models folder "${modelsDirectory}" cannot be read: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}

/** Empty if `directory` is a link to something other than a folder. @throws PackageError if it cannot be read */
async function versionsIn(directory: string): Promise<string[]> {
  const status = await stat(directory).catch(() => undefined);
  if (!status?.isDirectory()) return [];
  return foldersIn(directory).catch((error: unknown) => {
    throw new PackageError(`The folder cannot be read: ${messageOf(error)}.`, { cause: error });
  });
}

/**
 * Names of folders and links. Names with a leading dot are ignored, for example those of an import in progress, and so
 * is `lost+found`, which belongs to the file system.
 */
async function foldersIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
    .filter(({ name }) => !name.startsWith('.') && name !== 'lost+found')
    .map((entry) => entry.name)
    .sort(order.compare);
}
