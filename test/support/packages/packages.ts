// Packages in a temporary folder, and ways to damage them.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '../../../src/format/manifest.js';
import { describeFile } from '../../../src/packages/package-files.js';

export async function readJson<Document>(path: string): Promise<Document> {
  return JSON.parse(await readFile(path, 'utf8')) as Document;
}

/** Rewrites a package's manifest; `change` edits it in place. */
export async function editManifest(directory: string, change: (manifest: Manifest) => void): Promise<void> {
  const path = join(directory, 'manifest.json');
  const manifest = await readJson<Manifest>(path);
  change(manifest);
  await writeFile(path, JSON.stringify(manifest));
}

/** Writes a file of a package and lists it, so that only its content can be wrong. */
export async function writeListed(
  directory: string,
  file: string,
  content: string | Uint8Array,
): Promise<void> {
  await writeFile(join(directory, file), content);
  await editManifest(directory, (manifest) => {
    manifest.files[file] = describeFile(Buffer.from(content));
  });
}
