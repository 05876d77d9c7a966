// The example images of a package. That they can be decoded is checked when the package is loaded.
import { type MediaType, mediaTypeOfFile } from '../decoding/media-types.js';
import { EXAMPLES_FOLDER, type Example, MOST_EXAMPLE_BYTES } from '../format/expectation.js';
import type { Manifest } from '../format/manifest.js';
import { invariant, PackageError } from '../foundation/errors.js';
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
    const mediaType = mediaTypeOfFile(example.file);
    invariant(mediaType, 'the name of an example ends as that of an image');
    return { ...example, mediaType, bytes };
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
