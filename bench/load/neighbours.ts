// Busy loops that load the machine while something is measured.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { atEnd } from './at-end.js';

export interface Neighbours {
  stop(): Promise<void>;
}

/**
 * Starts `count` processes. Each keeps a core busy until it is stopped. Each is in a session of its own: Linux divides the
 * cores among sessions first, as it does among containers, in which neighbours of a server are.
 */
export function startNeighbours(count: number): Neighbours {
  const loops = Array.from({ length: count }, () =>
    spawn(process.execPath, ['--eval', 'for (;;);'], { stdio: 'ignore', detached: true }),
  );
  const kill = (): void => {
    for (const loop of loops) loop.kill('SIGKILL');
  };
  const forget = atEnd(kill);
  return {
    async stop() {
      const ended = loops.map((loop) => once(loop, 'exit'));
      kill();
      await Promise.all(ended);
      forget();
    },
  };
}
