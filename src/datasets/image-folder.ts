// Reads a folder of images. Each image lies in a folder that is named after its class: [anything/]CLASS/image.png.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { messageOf, UsageError } from '../foundation/errors.js';
import type { DataSet, Labelled, Sample } from './data-set.js';
import { describeImagePath } from './image-path.js';

/** @throws UsageError if a folder or an image cannot be read, or an image lies in no class folder */
export async function openImageFolder(root: string, labelled: Labelled = true): Promise<DataSet> {
  const entries = await reading(root, () => readdir(root, { recursive: true }));
  const paths = entries.map((entry) => entry.split(sep).join('/')).sort();
  const samples: Sample[] = [];
  const hash = createHash('sha256');
  for (const name of paths) {
    const described = describeImagePath(name, labelled);
    if (!described) continue;
    const read = (): Promise<Buffer> => readFile(join(root, name));
    samples.push({ name, ...described, read });
    hash.update(`${name}\n`).update(await reading(name, read));
  }
  return { samples, sha256: hash.digest('hex'), close() {} };
}

async function reading<Read>(what: string, read: () => Promise<Read>): Promise<Read> {
  try {
    return await read();
  } catch (error) {
    throw new UsageError(`"${what}" cannot be read: ${messageOf(error)}.`, { cause: error });
  }
}
