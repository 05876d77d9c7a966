// `rdi-serve serve` as a process of its own: started, watched, ended.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Scope } from '../scope.js';

export const commandLine = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ServeProcess {
  readonly url: string;
  readonly port: number;
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** What it has logged so far. */
  readonly lines: readonly Record<string, unknown>[];
  /** Log lines with this message. */
  logged(message: string): Record<string, unknown>[];
}

/** Runs Node on `arguments_`, without the settings of this process's environment. */
export function runNode(
  scope: Scope,
  arguments_: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): { child: ChildProcess; ended: Promise<Ended> } {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('RDI_'));
  const env = { ...Object.fromEntries(inherited), ...environment };
  const child = spawn(process.execPath, arguments_, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const parts = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    parts.stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    parts.stderr += chunk.toString();
  });
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, ...parts }));
  });
  scope.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { child, ended };
}

/** Starts a server on a free port and waits until it is ready. */
export async function startProcess(
  scope: Scope,
  models: string,
  flags: readonly string[] = [],
  {
    environment = {},
    script = [commandLine, 'serve'],
  }: { environment?: Record<string, string>; script?: string[] } = {},
): Promise<ServeProcess> {
  const always = ['--host', '127.0.0.1', '--port', '0', '--models', models, '--workers', '1'];
  const { child, ended } = runNode(scope, [...script, ...always, ...flags], environment);
  const lines: Record<string, unknown>[] = [];
  const address = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (text) => {
      const line = JSON.parse(text) as Record<string, unknown>;
      lines.push(line);
      if (line['msg'] === 'ready') resolve(line['address'] as string);
    });
    void ended.then((how) => reject(new Error(`It did not start: ${JSON.stringify(how)}`)));
  });
  return {
    url: address,
    port: Number(new URL(address).port),
    child,
    ended,
    lines,
    logged: (message) => lines.filter(({ msg }) => msg === message),
  };
}
