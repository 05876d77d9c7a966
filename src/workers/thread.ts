// The thread of a worker: its interface for the pool, and the implementation with node:worker_threads.
import { SHARE_ENV, Worker } from 'node:worker_threads';
import type { Command, Report, WorkerSetup } from './protocol.js';

export interface WorkerThread {
  postMessage(command: Command, transfer?: readonly ArrayBuffer[]): void;
  on(event: 'message', listener: (report: Report) => void): unknown;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  on(event: 'exit', listener: (code: number) => void): unknown;
}

export type StartThread = (setup: WorkerSetup, name: string) => WorkerThread;

/** Starts worker.ts. The thread shares the environment of this one, so that native code sees variables set there. */
export const startThread: StartThread = (workerData, name) =>
  new Worker(new URL('./worker.js', import.meta.url), { workerData, env: SHARE_ENV, name });
