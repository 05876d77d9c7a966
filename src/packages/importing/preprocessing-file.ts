// Reads how images are prepared for a network from the file that its library writes: Hugging Face's preprocessor_config.json,
// or timm's pretrained_cfg, by itself or in a config.json. What is not understood is refused: it would show in the answers only.
import { UsageError } from '../../foundation/errors.js';
import { type Entries, isEntries } from './entries.js';
import { fromHuggingFace } from './hugging-face.js';
import type { ImageShape, Preprocessing } from './presets.js';
import { fromTimm } from './timm.js';

/** A file given as `--preprocess`. */
export interface PreprocessingFile {
  readonly file: string;
  readonly text: string;
}

/** @throws UsageError that says what of the file is missing or cannot be done. */
export function readPreprocessing({ file, text }: PreprocessingFile, image: ImageShape): Preprocessing {
  const document = parsed(file, text);
  const cfg = document['pretrained_cfg'] ?? document;
  if (!isEntries(cfg)) throw new UsageError(`${file}: pretrained_cfg is not an object.`);
  try {
    const said = 'input_size' in cfg ? fromTimm(cfg, image) : fromHuggingFace(document, image);
    for (const key of ['mean', 'std'] as const) {
      if (said[key].length !== image.channels) {
        throw new UsageError(
          `it has ${said[key].length} values of ${key}, but the image has ${image.channels} channels.`,
        );
      }
    }
    return said;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${file}: ${error.message}`, { cause: error });
  }
}

function parsed(file: string, text: string): Entries {
  try {
    const document: unknown = JSON.parse(text);
    if (isEntries(document)) return document;
  } catch (error) {
    throw new UsageError(`--preprocess: "${file}" is not JSON.`, { cause: error });
  }
  throw new UsageError(`--preprocess: "${file}" is JSON, but not an object.`);
}
