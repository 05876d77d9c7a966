// Puts a package in place: written beside the packages, checked there, then renamed, so that nobody ever sees half.
import { mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { messageOf, UsageError } from '../errors.js';
import type { Manifest } from './manifest.js';
import { loadPackage, type ModelPackage } from './package.js';

export interface InstallOptions {
  /** The models folder. */
  readonly output: string;
  readonly manifest: Pick<Manifest, 'name' | 'version'>;
  /** By name, the manifest among them. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Replace a package of the same name and version. */
  readonly force: boolean;
  /** What the package must stand beyond being loaded. */
  readonly check?: (made: ModelPackage) => Promise<void>;
}

/**
 * @returns the package as it lies in place.
 * @throws UsageError if the folder cannot be written to, or the package exists and `force` is not given.
 * @throws PackageError if the package is refused; nothing has changed then.
 */
export async function installPackage(options: InstallOptions): Promise<ModelPackage> {
  const { output, manifest, files, force, check } = options;
  const target = targetOf(output, manifest);
  const workshop = await writing(output, () => makeWorkshop(output));
  try {
    const made = join(workshop, manifest.name, manifest.version);
    await writing(output, () => writeFiles(made, files));
    const loaded = await loadPackage(made);
    await check?.(loaded);
    await writing(output, () => putInPlace(made, target, join(workshop, '.replaced'), force));
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
    if (error instanceof UsageError) throw error;
    throw new UsageError(`"${output}" cannot be written to: ${messageOf(error)}.`, { cause: error });
  }
}

/** Renames; what was there is put back if that fails. */
async function putInPlace(made: string, target: string, aside: string, force: boolean): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const replaces = force && (await exists(target));
  if (replaces) await rename(target, aside);
  try {
    await rename(made, target);
  } catch (error) {
    if (replaces) await rename(aside, target);
    else if (await exists(target)) throw alreadyThere(target);
    throw error;
  }
}

function alreadyThere(target: string): UsageError {
  return new UsageError(`"${target}" exists already; give --force to replace it.`);
}
