// Reads what `--golden-images` names: a golden-images.json with logits from the framework, or image files for which import
// records the logits.
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { MOST_GOLDEN_IMAGES } from '../../format/golden.js';
import { messageOf, UsageError } from '../../foundation/errors.js';
import type { NamedImage } from '../golden-images.js';

export type GivenImages =
  /** The content of a golden-images.json. */
  | { readonly document: Uint8Array }
  /** The images; `found` counts those of the folder, which may be more. */
  | { readonly images: readonly NamedImage[]; readonly found: number };

const IMAGE = /\.(png|jpe?g|webp)$/i;

/**
 * @param path a golden-images.json, an image, or a folder of images, of which the first by name are taken
 * @throws UsageError if there is no such file, or no image in the folder
 */
export async function readGivenImages(path: string): Promise<GivenImages> {
  try {
    const isFolder = (await stat(path)).isDirectory();
    if (!isFolder && !IMAGE.test(path)) return { document: await readFile(path) };
    const names = isFolder
      ? (await readdir(path)).filter((name) => IMAGE.test(name)).sort()
      : [basename(path)];
    if (names.length === 0) {
      throw new UsageError(
        `--golden-images: "${path}" holds no file whose name ends in .png, .jpg, .jpeg or .webp.`,
      );
    }
    const taken = names.slice(0, MOST_GOLDEN_IMAGES);
    const files = taken.map((name) => (isFolder ? join(path, name) : path));
    const images = await Promise.all(
      files.map(async (name) => ({ name, bytes: new Uint8Array(await readFile(name)) })),
    );
    return { images, found: names.length };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`--golden-images: "${path}" cannot be read: ${messageOf(error)}.`, { cause: error });
  }
}
