// Reads the CPU time and memory of a process and its descendants from /proc. Linux only; see proc(5).
import { readdirSync, readFileSync } from 'node:fs';
import process from 'node:process';

export interface TreeMember {
  readonly pid: number;
  /** Start time in ticks since boot. It tells the process from a later one with the same pid. */
  readonly startTicks: number;
  /** CPU time of the process and of the ended children that it waited for. */
  readonly cpuSeconds: number;
}

export interface TreeMemory {
  readonly bytes: number;
  /** `PSS` counts shared pages once. `RSS` counts them in each process; it is used if the PSS cannot be read. */
  readonly kind: 'PSS' | 'RSS';
}

/** The unit of times in /proc is 1/100 s on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;
const KIB = 1024;

interface Status extends TreeMember {
  readonly parent: number;
}

/** The living processes of the tree, parents before children. Processes whose parent has ended are not part of it. */
export function processTree(root: number): TreeMember[] {
  const statuses = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStatus(Number(name)))
    .filter((status) => status !== undefined);
  const members = statuses.filter(({ pid }) => pid === root);
  for (const { pid } of members) members.push(...statuses.filter(({ parent }) => parent === pid));
  return members.map(({ parent: _, ...member }) => member);
}

/** CPU time of all threads of the tree since the start of its processes, including ended children. */
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

/** The members that still live. */
export function survivors(members: readonly TreeMember[]): TreeMember[] {
  return members.filter(({ pid, startTicks }) => readStatus(pid)?.startTicks === startTicks);
}

/** Kills the members that still live. */
export function killMembers(members: readonly TreeMember[]): void {
  signal(members, 'SIGKILL');
}

/** Pauses a tree, so that it takes no CPU time. Idle servers may poll otherwise. */
export function pauseTree(root: number): void {
  signal(processTree(root), 'SIGSTOP');
}

/** Resumes a tree, children first, so that a parent does not find a child unresponsive. */
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

/** @returns undefined if the process does not exist or is a zombie */
function readStatus(pid: number): Status | undefined {
  const text = readProc(pid, 'stat');
  // The second field, the name in parentheses, may contain any characters. The third field follows it.
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
