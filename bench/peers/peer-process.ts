// Starts a peer's process, waits until it is ready, and ends it with all its descendants.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicSeconds } from '../../src/foundation/clock.js';
import { atEnd } from '../load/at-end.js';
import { killMembers, processTree, survivors } from '../load/process-tree.js';
import { freePort } from '../load/server-process.js';

export interface PeerProcess {
  /** URL of its classify endpoint. */
  readonly url: string;
  /** The root of its process tree. */
  readonly pid: number;
  /** Sends SIGTERM, waits three seconds, and kills the processes that are left. */
  stop(): Promise<void>;
}

export interface PeerStart {
  readonly command: string;
  readonly arguments: readonly string[];
  /** Added to the environment of this process, together with `PEER_PORT`, the port to listen on. */
  readonly environment: Readonly<Record<string, string>>;
  readonly workingFolder: string;
  /** Receives stdout and stderr. */
  readonly logFile: string;
  /** Whether the peer answers at this URL. */
  isReady(url: string): Promise<boolean>;
  readonly patienceSeconds: number;
}

const POLL_MS = 100;
const GRACE_SECONDS = 3;
const LOG_TAIL_LINES = 3;

/** @throws Error with the last lines of the log, if the peer ends or is not ready in time; its processes are ended */
export async function startPeer(start: PeerStart): Promise<PeerProcess> {
  const port = await freePort();
  const log = openSync(start.logFile, 'w');
  const child = spawn(start.command, start.arguments, {
    cwd: start.workingFolder,
    env: { ...process.env, ...start.environment, PEER_PORT: String(port) },
    stdio: ['ignore', log, log],
    // Ctrl-C in a terminal then reaches only this process, which ends the peer.
    detached: true,
  });
  closeSync(log);
  const spawned = await new Promise<Error | undefined>((resolve) => {
    child.once('spawn', () => resolve(undefined));
    child.once('error', resolve);
  });
  const { pid } = child;
  if (spawned || pid === undefined) throw spawned ?? new Error('The peer has no process.');
  const forget = atEnd(() => killMembers(processTree(pid)));

  async function stop(): Promise<void> {
    // Listed before the root ends, because its surviving descendants can no longer be found afterwards.
    const members = processTree(pid as number);
    child.kill('SIGTERM');
    const end = monotonicSeconds() + GRACE_SECONDS;
    while (survivors(members).length > 0 && monotonicSeconds() < end) await sleep(POLL_MS);
    killMembers(members);
    forget();
  }

  const url = `http://127.0.0.1:${port}/classify`;
  const end = monotonicSeconds() + start.patienceSeconds;
  while (!(await start.isReady(url))) {
    const hasEnded = child.exitCode !== null || child.signalCode !== null;
    if (hasEnded || monotonicSeconds() >= end) {
      const how = hasEnded
        ? `it ended with ${child.signalCode ?? `exit code ${child.exitCode}`}`
        : `it was not ready within ${start.patienceSeconds} s`;
      await stop();
      throw new Error(`${how}: ${tailOf(start.logFile)}`);
    }
    await sleep(POLL_MS);
  }
  return { url, pid, stop };
}

function tailOf(logFile: string): string {
  const lines = readFileSync(logFile, 'utf8').trim().split('\n');
  return lines.slice(-LOG_TAIL_LINES).join(' | ') || 'its log is empty';
}
