// Puts a package in place: written beside the packages, checked there, then renamed, so that nobody ever sees half.
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Manifest } from '../format/manifest.js';
import { messageOf, PackageError, UsageError } from '../foundation/errors.js';
import { loadPackage, type ModelPackage } from './package.js';
import { MANIFEST_FILE } from './package-files.js';

export interface InstallOptions {
  /** The models folder. */
  readonly output: string;
  readonly manifest: Pick<Manifest, 'name' | 'version'>;
  /** By name, the manifest among them. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Replace a package of the same name and version. */
  readonly force: boolean;
  /** Replace only the package that has this manifest; the new one is made of it. */
  readonly madeOf?: Uint8Array;
  /** What the package must stand beyond being loaded. */
  readonly check?: (made: ModelPackage) => Promise<void>;
}

/**
 * @returns the package as it lies in place.
 * @throws UsageError if the folder cannot be written to, or the package exists and `force` is not given.
 * @throws PackageError if the package is refused, or another lies there than it was made of; nothing has changed then.
 */
export async function installPackage(options: InstallOptions): Promise<ModelPackage> {
  const { output, manifest, files, force, madeOf, check } = options;
  const target = targetOf(output, manifest);
  const workshop = await writing(output, () => makeWorkshop(output));
  try {
    const made = join(workshop, manifest.name, manifest.version);
    await writing(output, () => writeFiles(made, files));
    const loaded = await loadPackage(made);
    await check?.(loaded);
    await writing(output, () => putInPlace(made, target, basename(workshop), force, madeOf));
    return { ...loaded, directory: target };
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
}

/** @throws UsageError if there is a package of that name and version already. */
export async function refuseExisting(
  output: string,
  manifest: Pick<Manifest, 'name' | 'version'>,
): Promise<void> {
  const target = targetOf(output, manifest);
  if (await exists(target)) throw alreadyThere(target);
}

/** How every JSON document of a package is written. */
export function toJson(document: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(document, undefined, 2)}\n`);
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function targetOf(output: string, { name, version }: Pick<Manifest, 'name' | 'version'>): string {
  return resolve(output, name, version);
}

/** Beside the packages, so that putting one in place is a rename; its leading dot hides it from the server. */
async function makeWorkshop(output: string): Promise<string> {
  await mkdir(output, { recursive: true });
  return mkdtemp(join(output, '.import-'));
}

async function writeFiles(directory: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  for (const [file, bytes] of files) {
    const path = join(directory, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
  }
}

/** What the file system refuses is the user's to mend. */
async function writing<Result>(output: string, task: () => Promise<Result>): Promise<Result> {
  try {
    return await task();
  } catch (error) {
    if (error instanceof UsageError || error instanceof PackageError) throw error;
    throw new UsageError(`"${output}" cannot be written to: ${messageOf(error)}.`, { cause: error });
  }
}

/**
 * Renames; what was there is put back if that fails. Of several at once, only one can have set it aside.
 * @param replaced what it is called meanwhile, in the same folder, so that a relative link still leads where it led.
 */
async function putInPlace(
  made: string,
  target: string,
  replaced: string,
  force: boolean,
  madeOf: Uint8Array | undefined,
): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const aside = join(dirname(target), replaced);
  const replaces = madeOf !== undefined || (force && (await exists(target)));
  if (replaces) await setAside(target, aside);
  try {
    if (madeOf && !(await readFile(join(aside, MANIFEST_FILE))).equals(madeOf)) throw overtaken(target);
    await rename(made, target);
  } catch (error) {
    if (replaces) await rename(aside, target);
    else if (await exists(target)) throw alreadyThere(target);
    throw error;
  }
  await rm(aside, { recursive: true, force: true });
}

async function setAside(target: string, aside: string): Promise<void> {
  try {
    await rename(target, aside);
  } catch (error) {
    throw error instanceof Error && 'code' in error && error.code === 'ENOENT' ? overtaken(target) : error;
  }
}

function overtaken(target: string): PackageError {
  return new PackageError(`"${target}" is being replaced by somebody else.`);
}

function alreadyThere(target: string): UsageError {
  return new UsageError(`"${target}" exists already; give --force to replace it.`);
}
