// The class and format of an image by its path inside a data set.
import { type MediaType, mediaTypeOfFile } from '../decoding/media-types.js';
import { UsageError } from '../foundation/errors.js';
import type { Labelled } from './data-set.js';

/**
 * @param path with slashes, relative to the data set
 * @param labelled false: images have no label; 'optional': they have one if they lie in a folder
 * @returns undefined if the path is not that of an image
 * @throws UsageError if an image lies in no class folder
 */
export function describeImagePath(
  path: string,
  labelled: Labelled,
): { label: string; mediaType: MediaType } | undefined {
  const mediaType = mediaTypeOfFile(path);
  const folders = path.split('/');
  const file = folders.pop() ?? '';
  if (mediaType === undefined || file.startsWith('.') || folders.includes('__MACOSX')) return undefined;
  if (!labelled) return { label: '', mediaType };
  const label = folders.pop();
  if (!label && labelled === 'optional') return { label: '', mediaType };
  if (!label)
    throw new UsageError(`The image "${path}" lies in no folder. Put it in a folder named after its class.`);
  return { label, mediaType };
}
