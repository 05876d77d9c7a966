// The priority of a worker thread. On Linux each thread has a nice value of its own. With a higher one, a worker that
// computes without pause gives way to the event loop, which reads requests, sends answers and answers probes.
import { readlinkSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';
import { basename } from 'node:path';

/**
 * By how much the nice value of a worker exceeds that of the event loop. Each step changes a thread's share of a busy
 * core by a quarter, so the event loop has the weight of three workers, and workers still get half of two full cores.
 */
const NICER_BY = 5;

/** Lowers the priority of the calling thread. It stays as it is if the system gives threads none or does not allow it. */
export function lowerPriority(): void {
  try {
    // Links to `process/task/thread`.
    const thread = Number(basename(readlinkSync('/proc/thread-self')));
    setPriority(thread, Math.min(getPriority(thread) + NICER_BY, constants.priority.PRIORITY_LOW));
  } catch {
    // Without it, everything works; only probes wait longer under overload.
  }
}
