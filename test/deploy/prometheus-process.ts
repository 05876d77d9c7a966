// A real Prometheus on loopback, where one is installed; `promtool` comes with it.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import type { Scope } from '../support/scope.js';
import { until } from '../support/service/service.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/**
 * For a test's `skip`: why it cannot run without this program, or false.
 * Where RDI_REQUIRE_PROMETHEUS is set, as in .ci/run, it is not skipped but fails.
 */
export function without(program: 'prometheus' | 'promtool'): string | false {
  if (process.env['RDI_REQUIRE_PROMETHEUS']) return false;
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return `no ${program} on this machine: install Prometheus (Debian: apt-get install prometheus) to run this test`;
  }
}

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Prometheus {
  /** What an instant query returns now. */
  query(expression: string): Promise<Sample[]>;
  /** Names of the alerts that fire now. */
  firing(): Promise<Set<string>>;
  /** Rules that could not be evaluated, with the reason. */
  sickRules(): Promise<string[]>;
}

/** @param files of the configuration: prometheus.yml and what it refers to */
export async function startPrometheus(
  scope: Scope,
  files: Readonly<Record<string, string>>,
): Promise<Prometheus> {
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
  }
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(
    'prometheus',
    [
      `--config.file=${path.join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${path.join(folder, 'data')}`,
      `--web.listen-address=${address}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  scope.after(async () => {
    child.kill('SIGTERM');
    await ended;
  });

  async function get<Data>(resource: string): Promise<Data> {
    const response = await fetch(`http://${address}/api/v1/${resource}`);
    const text = await response.text();
    assert.equal(response.status, 200, `${decodeURIComponent(resource)}: ${text}`);
    return (JSON.parse(text) as { data: Data }).data;
  }

  await until(async () => {
    assert.equal(child.exitCode, null, log);
    return fetch(`http://${address}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  });
  return {
    async query(expression) {
      type Vector = { result: { metric: Record<string, string>; value: [number, string] }[] };
      const { result } = await get<Vector>(`query?${new URLSearchParams({ query: expression })}`);
      return result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }));
    },
    async firing() {
      type Alerts = { alerts: { state: string; labels: { alertname: string } }[] };
      const { alerts } = await get<Alerts>('alerts');
      return new Set(alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname));
    },
    async sickRules() {
      type Groups = { groups: { rules: { name: string; health: string; lastError?: string }[] }[] };
      const { groups } = await get<Groups>('rules');
      return groups
        .flatMap(({ rules }) => rules)
        .filter(({ health }) => health !== 'ok')
        .map(({ name, health, lastError }) => `${name}: ${health} ${lastError ?? ''}`);
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
