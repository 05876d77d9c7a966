// The images that are sent to all servers: those of a data set, or a package's golden inputs.
import { openDataSet, takeEvenly } from '../../src/datasets/open-data-set.js';
import type { ModelPackage } from '../../src/packages/package.js';
import { encodeGolden } from '../load/golden-images.js';

export interface ImageToSend {
  /** For messages. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface ImagesToSend {
  /** Short description of their origin. */
  readonly source: string;
  /** Content type of all images. */
  readonly contentType: string;
  readonly images: readonly ImageToSend[];
}

/**
 * @param data a folder, a zip or an IDX file; undefined: the golden inputs
 * @param most largest number of images of the data set, evenly spaced
 */
export async function imagesToSend(
  model: ModelPackage,
  data: string | undefined,
  most: number,
): Promise<ImagesToSend> {
  if (data === undefined) {
    const golden = await encodeGolden(model);
    const images = golden.map((bytes, index) => ({ name: `golden input ${index}`, bytes }));
    return { source: `${images.length} golden inputs`, contentType: 'image/png', images };
  }
  const dataSet = await openDataSet(data, undefined, { labelled: false });
  try {
    const images: ImageToSend[] = [];
    const samples = takeEvenly(dataSet.samples, most);
    for (const { name, read } of samples) images.push({ name, bytes: await read() });
    const types = new Set(samples.map(({ mediaType }) => mediaType));
    const [only] = types;
    const contentType = types.size === 1 && only !== undefined ? only : 'application/octet-stream';
    return { source: `${images.length} images of ${dataSet.name}`, contentType, images };
  } finally {
    dataSet.close();
  }
}
