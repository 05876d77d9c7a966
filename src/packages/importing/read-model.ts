// Reads an exported model, including the weights that the exporter has written into separate files.
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PackageError } from '../../foundation/errors.js';
import { LARGEST_MODEL, takeInWeights, weightFiles } from '../../network/intake/weights.js';
import { readInside } from '../package-files.js';

/**
 * @param directory the folder of the model and of the files that it names
 * @returns the model as one file; without separate files, its bytes are unchanged
 * @throws PackageError if a file is missing, outside the folder, too short or too large
 */
export async function readModel(directory: string, file: string): Promise<Uint8Array> {
  return withWeights(directory, await readInside(directory, file, { most: LARGEST_MODEL }));
}

/** As `readModel`, for a file that the user names. It may be a link to any place. */
export async function readNamedModel(path: string): Promise<Uint8Array> {
  const { size } = await stat(path);
  if (size > LARGEST_MODEL)
    throw new PackageError(`"${path}" has ${size} bytes; an ONNX file holds at most 2 GiB.`);
  return withWeights(dirname(path), await readFile(path));
}

async function withWeights(directory: string, bytes: Uint8Array): Promise<Uint8Array> {
  const names = weightFiles(bytes);
  if (names.length === 0) return bytes;
  const files = new Map<string, Uint8Array>();
  let rest = LARGEST_MODEL - bytes.length;
  for (const name of names) {
    const content = await readBeside(directory, name, rest);
    files.set(name, content);
    rest -= content.length;
  }
  return takeInWeights(bytes, files);
}

async function readBeside(directory: string, name: string, most: number): Promise<Uint8Array> {
  try {
    return await readInside(directory, name, { most });
  } catch (error) {
    if (!(error instanceof PackageError)) throw error;
    throw new PackageError(
      `model.onnx stores weights in a separate file: ${error.message} Copy that file into the folder of ` +
        'model.onnx under its original name, or export with external_data=False.',
      { cause: error },
    );
  }
}
