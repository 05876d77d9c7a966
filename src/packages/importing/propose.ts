// Proposes a description for a single ONNX file. The graph shows one part of it, and the user gives the rest.
import { basename, dirname, resolve } from 'node:path';
import { type Description, readDescription } from '../../format/description.js';
import { UsageError } from '../../foundation/errors.js';
import { type FoundImage, findNetwork } from '../../network/intake/find-network.js';
import { toJson } from '../install.js';
import type { GivenExpectation } from './given-examples.js';
import type { GivenImages } from './given-images.js';
import { type PreprocessingFile, readPreprocessing } from './preprocessing-file.js';
import { type Preprocessing, presetNames, presetOf } from './presets.js';

/** What a graph does not state, as the user gives it. */
export interface Wishes extends GivenExpectation {
  readonly classes?: readonly string[];
  /** Name of a preprocessing preset, or a file of Hugging Face's or timm's. */
  readonly preprocess?: string | PreprocessingFile;
  readonly name?: string;
  readonly version?: string;
  readonly licence?: string;
  readonly size?: { readonly height: number; readonly width: number };
  readonly goldenImages?: GivenImages;
}

/**
 * @param file the path, for messages and the default name of the model
 * @throws UsageError that lists all options that must be given
 * @throws PackageError if the graph does not show its image, exits and cuts.
 */
export function proposeDescription(file: string, bytes: Uint8Array, wishes: Wishes): Description {
  const { image, exits, classes } = findNetwork(bytes, wishes.classes?.length);
  const { height = wishes.size?.height, width = wishes.size?.width } = image;
  if (wishes.size && (wishes.size.height !== height || wishes.size.width !== width)) {
    throw new UsageError(
      `${file} takes images of ${height}x${width}, so --size cannot be ${wishes.size.height}x${wishes.size.width}.`,
    );
  }
  const preset = preprocessingOf(wishes, { height, width, channels: image.channels });
  if (!wishes.classes || !preset || height === undefined || width === undefined) {
    throw new UsageError(
      `${file} does not state all that is needed. ${missing(wishes, image, classes).join(' ')}`,
    );
  }
  const description: Description = {
    name: wishes.name ?? nameFrom(file),
    version: wishes.version ?? '1',
    description: `Imported from ${basename(file)}.`,
    licence: wishes.licence ?? 'unknown',
    classes: [...wishes.classes],
    tensor: image.tensor,
    input: {
      ...(image.layout === 'nhwc' && { layout: image.layout }),
      height,
      width,
      channels: image.channels,
      ...preset,
    },
    exits: exits.map(({ cut, ...exit }) => ({
      ...exit,
      ...(cut !== undefined && { cut: typeof cut === 'string' ? cut : [...cut] }),
    })),
    provenance: { file: basename(file) },
  };
  return readDescription(toJson(description));
}

/** Undefined if none is given, if it is not for such images, or if their size is not known. */
function preprocessingOf(
  { preprocess }: Wishes,
  { height, width, channels }: { height: number | undefined; width: number | undefined; channels: number },
): Preprocessing | undefined {
  if (preprocess === undefined || height === undefined || width === undefined) return undefined;
  const image = { height, width, channels };
  return typeof preprocess === 'string' ? presetOf(preprocess, image) : readPreprocessing(preprocess, image);
}

function missing({ classes, preprocess, size }: Wishes, image: FoundImage, count: number): string[] {
  const sentences: string[] = [];
  if (!classes) {
    sentences.push(
      `Give --classes FILE with the names of the ${count} classes, one per line, in the order of the logits.`,
    );
  }
  const { height = 1, width = 1, channels } = image;
  const isNone = typeof preprocess === 'string' && !presetOf(preprocess, { height, width, channels });
  if (preprocess === undefined || isNone) {
    const given = isNone ? ` There is no "${preprocess}" for ${channels} channels.` : '';
    sentences.push(
      `Give --preprocess with the preprocessing of the training: ${presetNames.join(', ')}, or the path of a ` +
        `preprocessor_config.json or pretrained_cfg.${given}`,
    );
  }
  if (!size && (image.height === undefined || image.width === undefined)) {
    sentences.push('Give --size HEIGHTxWIDTH: the file does not fix the size of the image.');
  }
  return sentences;
}

/** The file's name, or its folder's if it is model.onnx, with only those characters that the name of a model may have. */
function nameFrom(file: string): string {
  const own = basename(file).replace(/\.onnx$/i, '');
  const plain = (own.toLowerCase() === 'model' ? basename(dirname(resolve(file))) : own)
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 64);
  return plain === '' ? 'network' : plain;
}
