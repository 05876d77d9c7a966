// The class and format of an image by its path inside a data set.
import { extname } from 'node:path';
import type { MediaType } from '../decoding/decode.js';
import { UsageError } from '../foundation/errors.js';

const mediaTypes: Readonly<Record<string, MediaType>> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
};

/**
 * @param path with slashes, relative to the data set
 * @param labelled false: images need no class folder, and have no label
 * @returns undefined if the path is not that of an image
 * @throws UsageError if an image lies in no class folder
 */
export function describeImagePath(
  path: string,
  labelled: boolean,
): { label: string; mediaType: MediaType } | undefined {
  const mediaType = mediaTypes[extname(path).toLowerCase()];
  const folders = path.split('/');
  const file = folders.pop() ?? '';
  if (mediaType === undefined || file.startsWith('.') || folders.includes('__MACOSX')) return undefined;
  if (!labelled) return { label: '', mediaType };
  const label = folders.pop();
  if (!label)
    throw new UsageError(`The image "${path}" lies in no folder. Put it in a folder named after its class.`);
  return { label, mediaType };
}
