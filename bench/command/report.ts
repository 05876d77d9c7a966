// The figures of a benchmark: a JSON document and text tables.
import { formatTable, megaflops, percent } from '../../src/report/table.js';
import type { ProfileFigures } from './bench.js';
import { type Machine, machineLine } from './machine.js';

export interface ModelFigures {
  readonly model: string;
  /** FLOPs of the backbone with only its final exit. */
  readonly fullFlops: number;
  readonly profiles: readonly ProfileFigures[];
}

export interface BenchDocument {
  /** Name and version of this program. */
  readonly tool: string;
  /** Time of the end, in ISO 8601. */
  readonly date: string;
  readonly machine: Machine;
  readonly settings: {
    readonly workers: number;
    readonly connections: number;
    readonly seconds: number;
    readonly rounds: number;
  };
  readonly models: readonly ModelFigures[];
}

export function renderBench({ machine, settings, models }: BenchDocument): string {
  const { workers, connections, seconds, rounds } = settings;
  return (
    `${machineLine(machine)}\n` +
    `${workers} workers, ${connections} connections, medians of ${rounds} × ${seconds} s; ` +
    'load client, server and workers share the machine; the server logs to the null device\n' +
    models.map(renderModel).join('')
  );
}

function renderModel({ model, fullFlops, profiles }: ModelFigures): string {
  return (
    `\n${model}, ${megaflops(fullFlops, 1)} MFLOPs\n\n` +
    `${throughputTable(profiles)}\n${costTable(profiles)}\n${timingTable(profiles)}\n${idleTable(profiles)}`
  );
}

function throughputTable(profiles: readonly ProfileFigures[]): string {
  const rows = profiles.flatMap(({ profile, raw, http }) => [
    ...raw.map(({ workers, batch, imagesPerSecond, medianMs, p99Ms, cpuMs }) => [
      profile,
      `engine alone, ${workers} worker${workers > 1 ? 's' : ''}, batch ${batch}`,
      Math.round(imagesPerSecond),
      '',
      milliseconds(medianMs),
      milliseconds(p99Ms),
      milliseconds(cpuMs),
      '',
    ]),
    [
      profile,
      'HTTP, saturated',
      Math.round(http.requestsPerSecond),
      percent(http.shareOfRaw, 1),
      milliseconds(http.latencyMedianMs),
      milliseconds(http.latencyP99Ms),
      milliseconds(http.serverCpuMs + http.clientCpuMs),
      http.failed,
    ],
  ]);
  return formatTable(
    ['profile:', 'what:', 'images/s', 'of fastest', 'median ms', 'p99 ms', 'CPU ms', 'failed'],
    rows,
  );
}

function costTable(profiles: readonly ProfileFigures[]): string {
  return formatTable(
    [
      'saturated:',
      'requests/s per server core',
      'server CPU ms/request',
      'client CPU ms/request',
      'of engine’s CPU time',
      'mean batch',
      'event loop p99 ms (10 = idle)',
    ],
    profiles.map(({ profile, http }) => [
      profile,
      Math.round(http.requestsPerServerCore),
      milliseconds(http.serverCpuMs),
      milliseconds(http.clientCpuMs),
      percent(http.cpuShareOfRaw, 1),
      http.meanBatch.toFixed(1),
      milliseconds(http.eventLoopP99Ms),
    ]),
  );
}

function timingTable(profiles: readonly ProfileFigures[]): string {
  return formatTable(
    [
      'where a request waits, saturated, ms:',
      'decode',
      'queue',
      'engine',
      'rest',
      'total in server',
      'client',
    ],
    profiles.map(({ profile, http: { timingMs: timing, latencyMedianMs } }) => [
      profile,
      ...[timing.decode, timing.queue, timing.infer, timing.rest, timing.total, latencyMedianMs].map(
        milliseconds,
      ),
    ]),
  );
}

function idleTable(profiles: readonly ProfileFigures[]): string {
  return formatTable(
    ['idle, one client:', 'median ms', 'p99 ms', 'added to the engine’s median ms'],
    profiles.map(({ profile, idle }) => [
      profile,
      milliseconds(idle.medianMs),
      milliseconds(idle.p99Ms),
      milliseconds(idle.addedMs),
    ]),
  );
}

function milliseconds(value: number): string {
  return value.toFixed(3);
}
