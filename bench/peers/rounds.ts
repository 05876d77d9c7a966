// Applies load to several servers in turn, in rounds, so that a machine whose speed changes affects all alike.
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadClient, LoadJob } from '../load/load.js';
import { pauseTree, resumeTree, type TreeMemory, treeCpuSeconds, treeMemory } from '../load/process-tree.js';

export interface Subject {
  readonly name: string;
  /** URL of its classify endpoint. */
  readonly url: string;
  /** The root of its process tree. */
  readonly pid: number;
}

export interface Round {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time of the server's process tree per request answered with 200. */
  readonly cpuMs: number;
  readonly clientCpuMs: number;
  /** Memory of the server's process tree, directly after the load. */
  readonly memory: TreeMemory;
  /** Requests that were not answered with 200. */
  readonly failed: number;
}

export interface Measured {
  readonly name: string;
  readonly rounds: readonly Round[];
}

export interface RoundsOptions {
  /** The load, without the URL. */
  readonly job: Omit<LoadJob, 'url'>;
  readonly rounds: number;
  /** Rounds before the first measurement, until code has been optimized and adaptive batchers have adapted. */
  readonly warmUpRounds: number;
  /** Called after each load. */
  onLoad(round: number, subject: Subject, figures: Round): void;
}

/** Time between resuming a server and its load. */
const SETTLE_MS = 200;

/**
 * Loads all servers once in each round. Each round begins with another server. The other servers are paused meanwhile.
 */
export async function measureRounds(
  client: LoadClient,
  subjects: readonly Subject[],
  { job, rounds, warmUpRounds, onLoad }: RoundsOptions,
): Promise<Measured[]> {
  const measured = new Map(subjects.map(({ name }) => [name, [] as Round[]]));
  const pids = new Set(subjects.map(({ pid }) => pid));
  pids.forEach(pauseTree);
  try {
    for (let round = -warmUpRounds; round < rounds; round++) {
      for (const subject of rotated(subjects, round + warmUpRounds)) {
        resumeTree(subject.pid);
        await sleep(SETTLE_MS);
        const figures = await measure(client, subject, job);
        pauseTree(subject.pid);
        if (round >= 0) measured.get(subject.name)?.push(figures);
        onLoad(round, subject, figures);
      }
    }
  } finally {
    pids.forEach(resumeTree);
  }
  return [...measured].map(([name, of]) => ({ name, rounds: of }));
}

async function measure(client: LoadClient, { url, pid }: Subject, job: Omit<LoadJob, 'url'>): Promise<Round> {
  const before = treeCpuSeconds(pid);
  const load = await client.apply({ ...job, url });
  const cpuSeconds = treeCpuSeconds(pid) - before;
  const answered = load.statuses['200'] ?? 0;
  return {
    requestsPerSecond: answered / load.seconds,
    p50Ms: load.latencyMs.median,
    p99Ms: load.latencyMs.p99,
    cpuMs: (1000 * cpuSeconds) / answered,
    clientCpuMs: (1000 * load.clientCpuSeconds) / answered,
    memory: treeMemory(pid),
    failed: load.sent - answered,
  };
}

/** `rotated([a, b, c], 1)` is `[b, c, a]`. */
export function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}
