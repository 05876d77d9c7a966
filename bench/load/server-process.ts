// Starts a server like `rdi-serve serve` in a process of its own. Its log goes to the null device.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { environmentVariableOf, type SettingName, settingNames } from '../../src/config/settings.js';
import { type MetricValue, readMetrics } from '../../src/telemetry/metrics-text.js';
import { atEnd } from './at-end.js';

export interface ServerProcess {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly pid: number;
  metrics(): Promise<MetricValue[]>;
  /** Sends SIGTERM and waits for the end. @throws Error if the exit code is not 0 */
  stop(): Promise<void>;
}

const main = new URL('../../src/cli/main.js', import.meta.url);
const READY_ATTEMPTS = 600;
const READY_INTERVAL_MS = 100;

/**
 * Starts a server and waits until it is ready.
 * @param settings override the defaults. Host and port are chosen here, and RDI_… variables of the environment ignored.
 * @param program the command line, or another program that reads its settings from the environment
 * @throws Error if the server ends or does not become ready within a minute
 */
export async function startServer(
  settings: Partial<Record<SettingName, string | number>>,
  program = main,
): Promise<ServerProcess> {
  const port = await freePort();
  const ours = new Set<string>(settingNames.map(environmentVariableOf));
  const others = Object.entries(process.env).filter(([name]) => !ours.has(name));
  const wanted = Object.entries({ ...settings, host: '127.0.0.1', port }).map(([name, value]) => [
    environmentVariableOf(name as SettingName),
    String(value),
  ]);
  const server = spawn(process.execPath, [fileURLToPath(program), 'serve'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: Object.fromEntries([...others, ...wanted]),
  });
  const ended = once(server, 'exit') as Promise<[code: number | null, signal: NodeJS.Signals | null]>;
  server.once(
    'exit',
    atEnd(() => server.kill('SIGKILL')),
  );
  const url = `http://127.0.0.1:${port}`;

  for (let attempt = 0; !(await isReady(url)); attempt++) {
    if (server.exitCode !== null || server.signalCode !== null) {
      throw new Error(`The server ended with ${server.signalCode ?? `exit code ${server.exitCode}`}.`);
    }
    if (attempt === READY_ATTEMPTS) {
      server.kill('SIGKILL');
      throw new Error('The server did not become ready within a minute.');
    }
    await sleep(READY_INTERVAL_MS);
  }
  return {
    url,
    pid: server.pid as number,
    metrics: async () => readMetrics(await (await fetch(`${url}/metrics`)).text()),
    async stop() {
      server.kill('SIGTERM');
      const [code, signal] = await ended;
      if (code !== 0) throw new Error(`The server ended with ${signal ?? `exit code ${code}`}.`);
    },
  };
}

async function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** Returns a port of the loopback interface that no program uses at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('There is no free port.');
  return address.port;
}
