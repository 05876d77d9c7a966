// What is in a models folder at one moment, without reading the packages: <folder>/<name>/<version>/, and the pins.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, PackageError, UsageError } from '../../foundation/errors.js';
import { filesOf } from '../package-files.js';
import { type Pin, readPin } from './default-version.js';

export interface FoundVersion {
  readonly name: string;
  readonly version: string;
  readonly directory: string;
  /** Changes whenever a file of the package changes. */
  readonly fingerprint: string;
}

export interface Survey {
  /** By `name/version`; sorted by name and then by version, the newest last. */
  readonly versions: ReadonlyMap<string, FoundVersion>;
  /** By name. */
  readonly pins: ReadonlyMap<string, Pin>;
  /** Names whose folder cannot be read, with the reason as a sentence. */
  readonly unreadable: ReadonlyMap<string, string>;
  /** Versions (`name/version`) and pins (`name`) that are being changed at this moment. */
  readonly inFlux: ReadonlySet<string>;
}

const order = new Intl.Collator('en', { numeric: true });

/** The order of names and versions. Numbers are compared as numbers: 1.9 comes before 1.10. */
export const compareNames: (one: string, other: string) => number = order.compare;

/** @throws UsageError if there is no such folder, or it cannot be read */
export async function surveyModels(modelsDirectory: string): Promise<Survey> {
  const versions = new Map<string, FoundVersion>();
  const pins = new Map<string, Pin>();
  const unreadable = new Map<string, string>();
  for (const name of await namesIn(modelsDirectory)) {
    const folder = join(modelsDirectory, name);
    try {
      for (const version of await versionsIn(folder)) {
        const directory = join(folder, version);
        const fingerprint = await fingerprintOf(directory);
        versions.set(`${name}/${version}`, { name, version, directory, fingerprint });
      }
      const pin = await readPin(folder);
      if (pin) pins.set(name, pin);
    } catch (error) {
      unreadable.set(name, messageOf(error));
    }
  }
  return { versions, pins, unreadable, inFlux: new Set() };
}

/** @throws UsageError if the folder cannot be read */
export async function namesIn(modelsDirectory: string): Promise<string[]> {
  try {
    return await foldersIn(modelsDirectory);
  } catch (error) {
    throw new UsageError(`The models folder "${modelsDirectory}" cannot be read: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}

/** Empty if `directory` is a link to something other than a folder. @throws PackageError if it cannot be read */
export async function versionsIn(directory: string): Promise<string[]> {
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
    .sort(compareNames);
}

/** Covers all files, because they may arrive in any order. */
async function fingerprintOf(directory: string): Promise<string> {
  const files = await filesOf(directory).catch(() => []);
  const parts = await Promise.all(
    files.map((file) =>
      stat(join(directory, file), { bigint: true }).then(
        ({ ino, size, mtimeNs }) => `${file} ${ino} ${size} ${mtimeNs}`,
        () => `${file} missing`,
      ),
    ),
  );
  return parts.join('; ');
}
