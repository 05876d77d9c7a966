// Opens a data set of any form: idx.ts, image-folder.ts or image-zip.ts. Its labels are names of classes.
import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { messageOf, UsageError } from '../foundation/errors.js';
import type { DataSet, Labelled, Sample } from './data-set.js';
import { openIdx } from './idx.js';
import { openImageFolder } from './image-folder.js';
import { openImageZip } from './image-zip.js';

export interface NamedDataSet extends DataSet {
  readonly name: string;
}

/**
 * Opens an IDX file (MNIST, gzipped or not), a folder CLASS/*.png|jpg|webp, or a zip of such a folder.
 *
 * @param labels the IDX file of labels; undefined: found by its name, in the folder of the images
 * @param labelled false: read only the images, from any place in the folder or zip; 'optional': and labels where they are
 * @throws UsageError if the data set is missing, malformed or empty, or the numbers of images and labels differ
 */
export async function openDataSet(
  path: string,
  labels: string | undefined,
  { labelled }: { readonly labelled: Labelled } = { labelled: true },
): Promise<NamedDataSet> {
  const form = await formOf(path);
  if (labels !== undefined && form !== 'idx') {
    throw new UsageError(
      `--labels is for IDX images, but "${path}" is a folder or zip. Its labels are its folders' names; omit --labels.`,
    );
  }
  const dataSet = await (form === 'idx'
    ? openIdx(path, labels, labelled)
    : form === 'zip'
      ? openImageZip(path, labelled)
      : openImageFolder(path, labelled));
  if (dataSet.samples.length === 0) {
    dataSet.close();
    throw new UsageError(
      `"${path}" contains no images. Give a data set with at least one PNG, JPEG or WebP image.`,
    );
  }
  return { ...dataSet, name: basename(path) };
}

/** Takes `count` samples, evenly spaced, so that a data set sorted by class keeps all its classes. */
export function takeEvenly(samples: readonly Sample[], count: number): Sample[] {
  if (count >= samples.length) return [...samples];
  return Array.from(
    { length: count },
    (_, index) => samples[Math.floor((index * samples.length) / count)] as Sample,
  );
}

/** @returns the class index of each sample. @throws UsageError that names the classes which the model does not have */
export function classIndices(samples: readonly Sample[], classes: readonly string[]): number[] {
  const places = new Map(classes.map((name, index) => [name, index]));
  const lacking = new Set(samples.map(({ label }) => label).filter((label) => !places.has(label)));
  if (lacking.size > 0) {
    throw new UsageError(
      `The model has no class ${[...lacking].map((name) => `"${name}"`).join(', ')}; ` +
        `its classes are ${classes.join(', ')}. Name the labels after these classes.`,
    );
  }
  return samples.map(({ label }) => places.get(label) ?? -1);
}

async function formOf(path: string): Promise<'folder' | 'zip' | 'idx'> {
  try {
    if ((await stat(path)).isDirectory()) return 'folder';
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
      return buffer.toString('latin1', 0, Math.min(bytesRead, 2)) === 'PK' ? 'zip' : 'idx';
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new UsageError(`The data set cannot be read: ${messageOf(error)}.`, { cause: error });
  }
}
