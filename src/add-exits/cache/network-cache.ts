// The folder in which add-exits keeps what takes long: for each network its features of images, the times of its parts and
// the heads. Interrupted runs go on from it, and later runs with other limits or exits need no pass over the images.
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, stat, utimes } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { messageOf, UsageError } from '../../foundation/errors.js';
import { type FeatureStore, openFeatureStore } from './feature-store.js';
import { readSealed, writeSealed } from './sealed-file.js';

/** Of all networks together. The longest unused is removed first. */
export const MOST_CACHE_BYTES = 8 * 2 ** 30;
/** Another run may be using what was used within this time. */
const IN_USE_SECONDS = 3600;

export interface NetworkCache {
  readonly folder: string;
  readonly features: FeatureStore;
  /** What `make` gives; from an earlier run if that kept it. @param name of a file; values are kept as JSON */
  kept<Value>(name: string, make: () => Promise<Value>): Promise<Value>;
  /** Removes it unless it is to be kept for later runs. */
  close(): Promise<void>;
}

export interface CacheOptions {
  /** undefined: nothing is kept for later runs. */
  readonly folder: string | undefined;
  /** Everything that the values depend on. */
  readonly of: readonly (string | Uint8Array)[];
  /** Floats that are kept of each image. */
  readonly width: number;
  readonly images: number;
}

/** `rdi-serve/add-exits` in the user's folder for caches. */
export function defaultCacheFolder(): string {
  const { XDG_CACHE_HOME: caches } = process.env;
  return join(caches || join(homedir(), '.cache'), 'rdi-serve', 'add-exits');
}

/** @throws UsageError if the folder cannot be written to, or so many images do not fit into it */
export async function openNetworkCache(options: CacheOptions): Promise<NetworkCache> {
  const { folder: parent, width, images } = options;
  const needed = 4 * width * images;
  if (needed > MOST_CACHE_BYTES) {
    const most = Math.floor(MOST_CACHE_BYTES / (4 * width));
    throw new UsageError(
      `What is kept of ${images} images would take ${gibibytes(needed)}, more than ${gibibytes(MOST_CACHE_BYTES)}. ` +
        `Give --limit ${most} or less.`,
    );
  }
  const folder = await writing(parent ?? tmpdir(), async () => {
    if (parent === undefined) return mkdtemp(join(tmpdir(), 'rdi-serve-add-exits-'));
    const own = join(parent, hashOf(options.of));
    await mkdir(own, { recursive: true });
    await utimes(own, new Date(), new Date());
    await makeRoom(parent, needed);
    return own;
  });
  return {
    folder,
    features: await openFeatureStore(folder, width),
    async kept(name, make) {
      const path = join(folder, `${name}.json`);
      const bytes = await readSealed(path);
      if (bytes) return JSON.parse(bytes.toString());
      const value = await make();
      await writeSealed(path, [Buffer.from(JSON.stringify(value))]);
      return value;
    },
    async close() {
      if (parent === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Removes the longest unused networks until `needed` bytes fit. */
async function makeRoom(parent: string, needed: number): Promise<void> {
  const networks = await Promise.all(
    (await readdir(parent)).map(async (name) => {
      const folder = join(parent, name);
      const files = await readdir(folder).catch(() => []);
      const sizes = await Promise.all(files.map((file) => stat(join(folder, file)).catch(() => undefined)));
      const used = (await stat(folder).catch(() => undefined))?.mtimeMs ?? 0;
      return { folder, used, bytes: sizes.reduce((sum, file) => sum + (file?.size ?? 0), 0) };
    }),
  );
  let total = needed + networks.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { folder, used, bytes } of networks.sort((a, b) => a.used - b.used)) {
    if (total <= MOST_CACHE_BYTES || Date.now() - used < 1000 * IN_USE_SECONDS) return;
    await rm(folder, { recursive: true, force: true });
    total -= bytes;
  }
}

async function writing<Result>(folder: string, task: () => Promise<Result>): Promise<Result> {
  try {
    return await task();
  } catch (error) {
    throw new UsageError(
      `The cache folder "${folder}" cannot be written to: ${messageOf(error)}. ` +
        '--cache names another one; --no-cache keeps nothing for later runs.',
      { cause: error },
    );
  }
}

function hashOf(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length} `).update(part);
  return hash.digest('hex').slice(0, 32);
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
