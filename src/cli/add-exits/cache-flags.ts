// The flags for the folder in which add-exits keeps what takes long.
import process from 'node:process';
import type { Command } from 'commander';
import { defaultCacheFolder } from '../../add-exits/cache/network-cache.js';

export interface CacheFlags {
  readonly cache: string | false;
}

export function cacheFlags(command: Command): Command {
  return command
    .option('--cache <folder>', 'keep what takes long here, for later runs', defaultCacheFolder())
    .option('--no-cache', 'keep nothing for later runs');
}

/** @returns undefined if nothing is to be kept */
export function cacheOf({ cache }: CacheFlags): string | undefined {
  return cache === false ? undefined : cache;
}

export function tellCache(cache: string | undefined): void {
  if (cache !== undefined) process.stdout.write(`For later runs, what takes long is kept in ${cache}.\n`);
}

export function stoppedMessage(cache: string | undefined): string {
  const next = cache === undefined ? '' : ' The same command goes on from here.';
  return `Stopped before its end; no package was written.${next}`;
}
