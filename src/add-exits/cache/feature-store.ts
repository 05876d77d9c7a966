// What the network said of each image, on disk: one row of floats an image, found by the hash of its file. Rows lie in
// sealed files of some images each, so that what an interrupted run has finished is there for the next one.
import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../foundation/errors.js';
import { readSealed, writeSealed } from './sealed-file.js';

const ENDING = '.rows';
const HASH_BYTES = 32;

export interface FeatureStore {
  has(sha256: string): boolean;
  /** @param hashes of the images, in hexadecimal @param rows [images, width] */
  add(hashes: readonly string[], rows: Float32Array): Promise<void>;
  /**
   * Goes once over all files, in any order; memory holds one of them.
   * @param wanted hashes of images that are all there
   * @returns rows, each with its image's place in `wanted`
   */
  read(wanted: readonly string[]): AsyncGenerator<{ readonly place: number; readonly row: Float32Array }>;
}

/** @param width floats of a row */
export async function openFeatureStore(folder: string, width: number): Promise<FeatureStore> {
  const files = new Map<string, readonly string[]>();
  const there = new Set<string>();
  const enter = (file: string, hashes: readonly string[]): void => {
    files.set(file, hashes);
    for (const hash of hashes) there.add(hash);
  };
  for (const file of (await readdir(folder)).filter((name) => name.endsWith(ENDING)).sort()) {
    const rows = await readRows(join(folder, file), width);
    if (rows) enter(file, rows.hashes);
  }
  return {
    has: (sha256) => there.has(sha256),
    async add(hashes, rows) {
      const file = `${randomUUID()}${ENDING}`;
      const bytes = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
      await writeSealed(join(folder, file), [Buffer.from(hashes.join(''), 'hex'), bytes]);
      enter(file, hashes);
    },
    async *read(wanted) {
      const places = new Map(wanted.map((hash, place) => [hash, place]));
      for (const [file, hashes] of files) {
        if (!hashes.some((hash) => places.has(hash))) continue;
        const rows = await readRows(join(folder, file), width);
        if (!rows) throw gone(folder);
        for (const [index, hash] of hashes.entries()) {
          const place = places.get(hash);
          // Two runs at once may both have kept an image.
          if (place === undefined || !places.delete(hash)) continue;
          yield { place, row: rows.values.subarray(index * width, (index + 1) * width) };
        }
      }
      if (places.size > 0) throw gone(folder);
    },
  };
}

function gone(folder: string): UsageError {
  return new UsageError(`Files in "${folder}" were removed or damaged during this run; run it again.`);
}

async function readRows(
  path: string,
  width: number,
): Promise<{ readonly hashes: readonly string[]; readonly values: Float32Array } | undefined> {
  const content = await readSealed(path);
  if (!content) return undefined;
  const images = content.length / (HASH_BYTES + 4 * width);
  const hashes = Array.from({ length: images }, (_, index) =>
    content.toString('hex', index * HASH_BYTES, (index + 1) * HASH_BYTES),
  );
  // Copied, because floats have to start at a multiple of four bytes.
  return { hashes, values: new Float32Array(Uint8Array.from(content.subarray(images * HASH_BYTES)).buffer) };
}
