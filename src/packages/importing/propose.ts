// A description for a bare ONNX file: what the graph shows is found in it, the rest is taken from what the user says.
import { basename } from 'node:path';
import { type Description, readDescription } from '../../format/description.js';
import { UsageError } from '../../foundation/errors.js';
import { type FoundImage, findNetwork } from '../../network/intake/find-network.js';
import { toJson } from '../install.js';
import { presetNames, presetOf } from './presets.js';

/** What no graph says. */
export interface Wishes {
  readonly classes?: readonly string[];
  /** Name of a preset of preprocessing. */
  readonly preprocess?: string;
  readonly name?: string;
  readonly version?: string;
  readonly licence?: string;
  readonly size?: { readonly height: number; readonly width: number };
}

/**
 * @param file the path, for names.
 * @throws UsageError that lists everything that has to be said.
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
  const preset = wishes.preprocess === undefined ? undefined : presetOf(wishes.preprocess, image.channels);
  if (!wishes.classes || !preset || height === undefined || width === undefined) {
    throw new UsageError(`${file} does not say everything. ${missing(wishes, image, classes).join(' ')}`);
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
    exits: [...exits],
    provenance: { file: basename(file) },
  };
  return readDescription(toJson(description));
}

function missing({ classes, preprocess, size }: Wishes, image: FoundImage, count: number): string[] {
  const sentences: string[] = [];
  if (!classes) {
    sentences.push(
      `Give --classes FILE with the names of the ${count} classes, one a line, in the order of the logits.`,
    );
  }
  if (preprocess === undefined || !presetOf(preprocess, image.channels)) {
    const given = preprocess === undefined ? '' : ` "${preprocess}" is none for ${image.channels} channels.`;
    sentences.push(
      `Give --preprocess with what the network was trained with: ${presetNames.join(', ')}.${given}`,
    );
  }
  if (!size && (image.height === undefined || image.width === undefined)) {
    sentences.push('Give --size HEIGHTxWIDTH: the file leaves the size of the image open.');
  }
  return sentences;
}

/** Letters and digits of the file's name, as the name of a model has them. */
function nameFrom(file: string): string {
  const plain = basename(file)
    .replace(/\.onnx$/i, '')
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 64);
  return plain === '' ? 'network' : plain;
}
