// The Python virtual environment of the peers. It is made once and kept, in a folder that Git ignores.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { atEnd } from '../load/at-end.js';
import { networkPackages, type Peer, requirementsFile } from './peer-list.js';

export interface Environment {
  /** Path of its interpreter. */
  readonly python: string;
  /** Installs a peer and the packages that run the network, if necessary. @throws Error with pip's last line */
  install(peer: Peer): Promise<void>;
}

/** The default folder. */
export const environmentFolder = fileURLToPath(new URL('../../../.venv/peers', import.meta.url));

/** @param python the interpreter that makes a missing environment. @throws Error if it cannot be run or lacks venv */
export async function openEnvironment(python: string, folder: string): Promise<Environment> {
  const interpreter = join(folder, 'bin', 'python');
  const isThere = await stat(interpreter).then(
    () => true,
    () => false,
  );
  if (!isThere) await run(python, ['-m', 'venv', folder]);

  return {
    python: interpreter,
    async install({ name, packages }) {
      const wanted = [...packages, ...networkPackages];
      const pins = await readFile(requirementsFile);
      const state = createHash('sha256').update(pins).update(wanted.join(' ')).digest('hex');
      const note = join(folder, `installed-${name}`);
      if ((await readFile(note, 'utf8').catch(() => '')) === state) return;
      const options = ['--quiet', '--disable-pip-version-check', '--constraint', requirementsFile];
      await run(interpreter, ['-m', 'pip', 'install', ...options, ...wanted]);
      await writeFile(note, state);
    },
  };
}

/** @throws Error with the command's last line on stderr, if the exit code is not 0 */
async function run(command: string, arguments_: readonly string[]): Promise<void> {
  const child = spawn(command, arguments_, { stdio: ['ignore', 'ignore', 'pipe'] });
  const forget = atEnd(() => child.kill('SIGKILL'));
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = `${said}${chunk}`.slice(-2000);
  });
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(said.trim().split('\n').at(-1) || `${command} ended with ${code}`);
  } finally {
    forget();
  }
}
