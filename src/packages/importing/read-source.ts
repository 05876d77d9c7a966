// Reads the source of an import: a folder with a model and its description, or a single ONNX file.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DESCRIPTION_FILE, type Description, readDescription } from '../../format/description.js';
import { CALIBRATION_FILE, GOLDEN_FILE, GOLDEN_IMAGES_FILE, GRAPH_FILE } from '../../format/documents.js';
import { MOST_EXAMPLE_BYTES } from '../../format/expectation.js';
import { PackageError, UsageError } from '../../foundation/errors.js';
import { exists, toJson } from '../install.js';
import { readInside } from '../package-files.js';
import { withExpectation } from './given-examples.js';
import { proposeDescription, type Wishes } from './propose.js';
import { readModel, readNamedModel } from './read-model.js';

/** Optional files of a package. They are copied unchanged. */
const OPTIONAL_FILES = [
  GOLDEN_FILE,
  GOLDEN_IMAGES_FILE,
  CALIBRATION_FILE,
  'checkpoint.safetensors',
  'MODEL_CARD.md',
];

export interface Source {
  readonly description: Description;
  readonly model: Uint8Array;
  /** Names and contents of the other files of the package. */
  readonly optional: readonly (readonly [string, Uint8Array])[];
  readonly proposed: boolean;
}

/**
 * @throws UsageError if `path` is neither a folder nor an ONNX file, or if the file needs more options
 * @throws PackageError if a file is missing or refused
 */
export async function readSource(path: string, wishes: Wishes | undefined): Promise<Source> {
  const status = await stat(path).catch(() => undefined);
  if (status?.isFile() && /\.onnx$/i.test(path)) {
    const model = await readNamedModel(path);
    const proposed = proposeDescription(path, model, wishes ?? {});
    const { description, files } = await withExpectation(proposed, wishes ?? {}, nothingBeside);
    const given = wishes?.goldenImages;
    const document = given && 'document' in given ? [[GOLDEN_IMAGES_FILE, given.document] as const] : [];
    return {
      description: readDescription(toJson(description)),
      model,
      optional: [...document, ...files],
      proposed: true,
    };
  }
  if (!status?.isDirectory()) {
    throw new UsageError(`"${path}" is neither a folder nor a file whose name ends in .onnx.`);
  }
  const { expects: _sentence, examples: _images, ...others } = wishes ?? {};
  if (Object.keys(others).length > 0) {
    throw new UsageError(
      `The folder "${path}" describes its network in ${DESCRIPTION_FILE}; the options for a file alone do not apply to it.`,
    );
  }
  const { description, files } = await withExpectation(
    readDescription(await readInside(path, DESCRIPTION_FILE)),
    wishes ?? {},
    (file) => readInside(path, file, { most: MOST_EXAMPLE_BYTES }),
  );
  const model = await readModel(path, GRAPH_FILE);
  const optional: [string, Uint8Array][] = [];
  for (const file of OPTIONAL_FILES) {
    if (await exists(join(path, file))) optional.push([file, await readInside(path, file)]);
  }
  return {
    description: readDescription(toJson(description)),
    model,
    optional: [...optional, ...files],
    proposed: false,
  };
}

/** A proposed description names no examples. */
async function nothingBeside(path: string): Promise<never> {
  throw new PackageError(`${path} is missing.`);
}
