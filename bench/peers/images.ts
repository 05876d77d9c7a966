// The images that all servers are sent: real ones, or a package's own golden inputs.
import { openDataSet, takeEvenly } from '../../src/datasets/open-data-set.js';
import type { ModelPackage } from '../../src/packages/package.js';
import { encodeGolden } from '../load/golden-images.js';

export interface ImageToSend {
  /** For messages. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface ImagesToSend {
  /** What they are, in a few words. */
  readonly source: string;
  /** Of all of them. */
  readonly contentType: string;
  readonly images: readonly ImageToSend[];
}

/**
 * @param data a folder, a zip or an IDX file; undefined: the golden inputs
 * @param most images of the data set, evenly spaced
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
