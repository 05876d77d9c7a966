// Reads a zip of images, entry by entry, without unpacking it. Each image lies in a folder named after its class.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { openPromise, type ZipFile } from 'yauzl';
import { messageOf, UsageError } from '../foundation/errors.js';
import type { DataSet, Labelled, Sample } from './data-set.js';
import { describeImagePath } from './image-path.js';

/** @throws UsageError if the file is not a zip, or an image lies in no class folder */
export async function openImageZip(path: string, labelled: Labelled = true): Promise<DataSet> {
  let zip: ZipFile | undefined;
  try {
    const opened = await openPromise(path, { lazyEntries: true, autoClose: false });
    zip = opened;
    const samples: Sample[] = [];
    for await (const entry of opened.eachEntry()) {
      const described = describeImagePath(entry.fileName, labelled);
      if (!described) continue;
      const read = async (): Promise<Buffer> => buffer(await opened.openReadStreamPromise(entry));
      samples.push({ name: entry.fileName, ...described, read });
    }
    const hash = createHash('sha256');
    await pipeline(createReadStream(path), hash);
    return { samples, sha256: hash.digest('hex'), close: () => opened.close() };
  } catch (error) {
    zip?.close();
    if (error instanceof UsageError) throw error;
    throw new UsageError(`The zip cannot be read: ${messageOf(error)}.`, { cause: error });
  }
}
