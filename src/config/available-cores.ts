// How many cores this process may use: by its affinity, and by the quotas of its control groups (a container's CPU
// limit). Node 20 knows only the affinity, Node 22 and later also quotas, and only some of them in hybrid hierarchies.
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/** @param root of the file system, for tests */
export function availableCores(root = '/', parallelism = availableParallelism()): number {
  const quotas = controlGroups(root).flatMap((folders) => folders.map(quotaOf));
  // Whole cores: two threads that share one and a half wait for each other's throttling.
  return Math.max(1, Math.min(parallelism, Math.floor(Math.min(...quotas))));
}

/** The folders of every group of this process that can have a quota, with its parents up to where it is mounted. */
function controlGroups(root: string): string[][] {
  // One line per hierarchy: number:controllers:path. Version 2 has the number 0 and no controllers.
  return (read(root, 'proc/self/cgroup') ?? '').split('\n').flatMap((line) => {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === '') return [];
    const names = controllers.split(',');
    if (controllers !== '' && !names.includes('cpu')) return [];
    const mounts = controllers === '' ? ['', 'unified'] : ['cpu', 'cpu,cpuacct'];
    return mounts.map((mount) => withParents(path).map((part) => join(root, 'sys/fs/cgroup', mount, part)));
  });
}

/** In a container the path may be the host's, and the group is then mounted as the root: so the root is always asked. */
function withParents(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '');
  return Array.from({ length: parts.length + 1 }, (_, count) => parts.slice(0, count).join('/'));
}

/** Cores per second of time; infinite without a quota. */
function quotaOf(folder: string): number {
  const [quota, period] = (read(folder, 'cpu.max') ?? '').trim().split(' ').map(Number);
  const limit = quota && period ? quota / period : Number.NaN;
  if (limit > 0) return limit;
  const old = Number(read(folder, 'cpu.cfs_quota_us')) / Number(read(folder, 'cpu.cfs_period_us'));
  return old > 0 ? old : Number.POSITIVE_INFINITY;
}

function read(folder: string, name: string): string | undefined {
  try {
    return readFileSync(join(folder, name), 'utf8');
  } catch {
    return undefined;
  }
}
