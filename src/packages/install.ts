// Installs a package: writes it next to the other packages, checks it there, and renames it. No reader sees half of it.
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
  /** Contents by name, including the manifest. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Whether to replace a package of the same name and version. */
  readonly force: boolean;
  /** Manifest of the package from which the new one was made. Only a package with this manifest is replaced. */
  readonly madeOf?: Uint8Array;
  /** A further check, after the package has been loaded. */
  readonly check?: (made: ModelPackage) => Promise<void>;
}

/**
 * @returns the installed package
 * @throws UsageError if the folder cannot be written to, or the package exists and `force` is false
 * @throws PackageError if the package is refused, or the installed one does not have the manifest `madeOf`. Then
 *   nothing has changed.
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

/** @throws UsageError if a package of this name and version exists */
export async function refuseExisting(
  output: string,
  manifest: Pick<Manifest, 'name' | 'version'>,
): Promise<void> {
  const target = targetOf(output, manifest);
  if (await exists(target)) throw alreadyThere(target);
}

/** The format of all JSON documents of a package. */
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

/** A folder next to the packages, so that installing is a rename. Its leading dot hides it from the server. */
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

/** Turns errors of the file system into UsageErrors, because the user can fix them. */
async function writing<Result>(output: string, task: () => Promise<Result>): Promise<Result> {
  try {
    return await task();
  } catch (error) {
    if (error instanceof UsageError || error instanceof PackageError) throw error;
    throw new UsageError(`"${output}" cannot be written to: ${messageOf(error)}.`, { cause: error });
  }
}

/**
 * Moves the old package aside and renames the new one. If that fails, the old package is put back. Of several processes
 * at once, only one can move the old package aside.
 * @param replaced temporary name of the old package, in the same folder, so that a relative link keeps its target
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
  return new PackageError(`"${target}" is being replaced by another process; try again.`);
}

function alreadyThere(target: string): UsageError {
  return new UsageError(`"${target}" exists already; give --force to replace it.`);
}
