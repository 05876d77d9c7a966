// The example images of a package. That they can be decoded is checked when the package is loaded.
import { extname } from 'node:path';
import type { MediaType } from '../decoding/decode.js';
import { EXAMPLES_FOLDER, type Example, MOST_EXAMPLE_BYTES } from '../format/expectation.js';
import type { Manifest } from '../format/manifest.js';
import { PackageError } from '../foundation/errors.js';
import { decodeImages } from './golden-images.js';

export interface ExampleImage extends Example {
  readonly mediaType: MediaType;
  readonly bytes: Uint8Array;
}

/**
 * @param files contents by path; those of all examples are among them
 * @throws PackageError that names an image which is too large, cannot be decoded, or has another format than its name
 */
export async function readExamples(
  { examples = [], input }: Pick<Manifest, 'examples' | 'input'>,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<ExampleImage[]> {
  const images = examples.map((example): ExampleImage => {
    const bytes = files.get(`${EXAMPLES_FOLDER}/${example.file}`) ?? new Uint8Array();
    return { ...example, mediaType: mediaTypeOf(example.file), bytes };
  });
  for (const { file, bytes } of images) {
    if (bytes.length > MOST_EXAMPLE_BYTES) {
      throw new PackageError(
        `${EXAMPLES_FOLDER}/${file} has ${bytes.length} bytes; an example may have ${MOST_EXAMPLE_BYTES}.`,
      );
    }
  }
  await decodeImages(
    images.map(({ file, ...image }) => ({ name: `${EXAMPLES_FOLDER}/${file}`, ...image })),
    input,
  );
  return images;
}

function mediaTypeOf(file: string): MediaType {
  const extension = extname(file);
  if (extension === '.png') return 'image/png';
  return extension === '.webp' ? 'image/webp' : 'image/jpeg';
}
