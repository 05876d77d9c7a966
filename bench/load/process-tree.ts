// A process with its children and theirs, from /proc: what they have taken of the processor and of the memory.
// Linux only; see proc(5).
import { readdirSync, readFileSync } from 'node:fs';
import process from 'node:process';

export interface TreeMember {
  readonly pid: number;
  /** When it started, in ticks since the machine did: a process of the same number that came later has another. */
  readonly startTicks: number;
  /** Of it, and of those children that ended and that it waited for. */
  readonly cpuSeconds: number;
}

export interface TreeMemory {
  readonly bytes: number;
  /** `PSS`: pages that processes share are counted once; `RSS`: in each of them, where the system keeps PSS to itself. */
  readonly kind: 'PSS' | 'RSS';
}

/** The unit of times in /proc is 1/100 s on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;
const KIB = 1024;

interface Status extends TreeMember {
  readonly parent: number;
}

/** Those that live, parents before their children; none if `root` does not live. Whoever lost its parent is left out. */
export function processTree(root: number): TreeMember[] {
  const statuses = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStatus(Number(name)))
    .filter((status) => status !== undefined);
  const members = statuses.filter(({ pid }) => pid === root);
  for (const { pid } of members) members.push(...statuses.filter(({ parent }) => parent === pid));
  return members.map(({ parent: _, ...member }) => member);
}

/** CPU time of the tree since its processes started, all threads, ended children included. */
export function treeCpuSeconds(root: number): number {
  return processTree(root).reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
}

/** Resident memory of the tree. */
export function treeMemory(root: number): TreeMemory {
  const pids = processTree(root).map(({ pid }) => pid);
  const proportional = pids.map((pid) => readKib(pid, 'smaps_rollup', 'Pss'));
  const kind = proportional.includes(undefined) ? 'RSS' : 'PSS';
  const sizes = kind === 'PSS' ? proportional : pids.map((pid) => readKib(pid, 'status', 'VmRSS'));
  return { bytes: sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0) * KIB, kind };
}

/** Those of the members that still live. */
export function survivors(members: readonly TreeMember[]): TreeMember[] {
  return members.filter(({ pid, startTicks }) => readStatus(pid)?.startTicks === startTicks);
}

/** Ends the members that still live, at once. */
export function killMembers(members: readonly TreeMember[]): void {
  signal(members, 'SIGKILL');
}

/** Stops a tree where it is, so that it takes no CPU time: idle servers may poll. */
export function pauseTree(root: number): void {
  signal(processTree(root), 'SIGSTOP');
}

/** Lets it go on; children first, so that none is found silent by a parent that watches over it. */
export function resumeTree(root: number): void {
  signal(processTree(root).toReversed(), 'SIGCONT');
}

function signal(members: readonly TreeMember[], name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
  for (const { pid } of survivors(members)) {
    try {
      process.kill(pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** @returns undefined if it does not live: not there, or waiting to be buried by its parent */
function readStatus(pid: number): Status | undefined {
  const text = readProc(pid, 'stat');
  // The name, in parentheses, may contain anything; the third field follows it.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  if (!fields || fields[0] === 'Z' || fields[0] === 'X') return undefined;
  const field = (number: number): number => Number(fields[number - 3]);
  return {
    pid,
    parent: field(4),
    startTicks: field(22),
    cpuSeconds: (field(14) + field(15) + field(16) + field(17)) / TICKS_PER_SECOND,
  };
}

function readKib(pid: number, file: string, name: string): number | undefined {
  const size = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readProc(pid, file) ?? '')?.[1];
  return size === undefined ? undefined : Number(size);
}

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return undefined;
  }
}
