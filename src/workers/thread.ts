// The thread behind a worker of the pool: what the pool needs of it, and the real one.
import { SHARE_ENV, Worker } from 'node:worker_threads';
import type { Command, Report, WorkerSetup } from './protocol.js';

export interface WorkerThread {
  postMessage(command: Command, transfer?: readonly ArrayBuffer[]): void;
  on(event: 'message', listener: (report: Report) => void): unknown;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  on(event: 'exit', listener: (code: number) => void): unknown;
}

export type StartThread = (setup: WorkerSetup, name: string) => WorkerThread;

/** A thread that runs worker.ts. It shares the environment with this one, so that native code sees what is set here. */
export const startThread: StartThread = (workerData, name) =>
  new Worker(new URL('./worker.js', import.meta.url), { workerData, env: SHARE_ENV, name });
