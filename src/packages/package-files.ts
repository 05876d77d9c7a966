// The files of a package: each must be listed, lie inside the package's folder, and have the listed size and hash.
import { createHash } from 'node:crypto';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { Manifest } from '../format/manifest.js';
import { messageOf, PackageError } from '../foundation/errors.js';

export const MANIFEST_FILE = 'manifest.json';

type FileEntry = Manifest['files'][string];

/** The manifest's entry for a file with this content. */
export function describeFile(bytes: Uint8Array): FileEntry {
  return { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/**
 * Reads a file of a folder. Symbolic links must not lead out of the folder.
 * @param file path relative to `directory`, with slashes
 * @param size exact or maximum size in bytes; any size if neither is given
 * @throws PackageError if the file is outside the folder, cannot be read or has another size
 */
export async function readInside(
  directory: string,
  file: string,
  { exactly, most = Number.POSITIVE_INFINITY }: { exactly?: number; most?: number } = {},
): Promise<Uint8Array> {
  const parts = file.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..' || /[\\\0:]/.test(part))) {
    throw new PackageError(`"${file}" is not a path inside the package.`);
  }
  try {
    const path = await realpath(join(directory, ...parts));
    const inside = relative(await realpath(directory), path);
    if (inside === '..' || inside.startsWith(`..${sep}`)) {
      throw new PackageError(`${file} is a link that leads out of the package.`);
    }
    const status = await stat(path);
    if (!status.isFile()) throw new PackageError(`${file} is not a file.`);
    if (exactly !== undefined && status.size !== exactly) {
      throw new PackageError(
        `${file} has ${status.size} bytes, not the ${exactly} that ${MANIFEST_FILE} lists.`,
      );
    }
    if (status.size > most) {
      throw new PackageError(`${file} has ${status.size} bytes; at most ${most} are allowed.`);
    }
    return await readFile(path);
  } catch (error) {
    if (error instanceof PackageError) throw error;
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw new PackageError(missing ? `${file} is missing.` : `${file} cannot be read: ${messageOf(error)}.`, {
      cause: error,
      isPassing: !missing,
    });
  }
}

/** Reads a listed file. @throws PackageError if its size or hash is not the listed one */
export async function readListed(directory: string, file: string, entry: FileEntry): Promise<Uint8Array> {
  const bytes = await readInside(directory, file, { exactly: entry.bytes });
  if (describeFile(bytes).sha256 !== entry.sha256) {
    throw new PackageError(`${file} is damaged: its sha256 is not the one that ${MANIFEST_FILE} lists.`);
  }
  return bytes;
}

/**
 * Verifies every listed file, and that there are no other files. Names with a leading dot belong to the file system and
 * are ignored.
 * @param wanted files whose content is returned
 */
export async function readListedFiles(
  directory: string,
  files: Manifest['files'],
  wanted: readonly string[],
): Promise<ReadonlyMap<string, Uint8Array>> {
  const kept = new Map<string, Uint8Array>();
  for (const [file, entry] of Object.entries(files)) {
    if (file === MANIFEST_FILE) throw new PackageError(`${MANIFEST_FILE} cannot list itself.`);
    const bytes = await readListed(directory, file, entry);
    if (wanted.includes(file)) kept.set(file, bytes);
  }
  for (const file of await filesOf(directory)) {
    if (file !== MANIFEST_FILE && !Object.hasOwn(files, file)) {
      throw new PackageError(`${file} is not listed in ${MANIFEST_FILE}.`);
    }
  }
  return kept;
}

/** Paths relative to `directory`, in order. */
export async function filesOf(directory: string, prefix = ''): Promise<string[]> {
  const entries = await readdir(join(directory, prefix), { withFileTypes: true });
  const found = await Promise.all(
    entries
      .filter((entry) => !entry.name.startsWith('.'))
      .map((entry) => {
        const path = `${prefix}${entry.name}`;
        return entry.isDirectory() ? filesOf(directory, `${path}/`) : [path];
      }),
  );
  return found.flat().sort();
}
