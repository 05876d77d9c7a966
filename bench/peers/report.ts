// The figures of a comparison: a JSON document and Markdown tables.

import { median } from '../../src/foundation/quantile.js';
import { type Machine, machineLine } from '../command/machine.js';
import type { TreeMemory } from '../load/process-tree.js';
import type { Measured, Round } from './rounds.js';
import type { Agreement } from './same-answers.js';

export interface Figures {
  readonly name: string;
  readonly requestsPerSecond: number;
  /** Median over the rounds of the ratio to the requests/s of the server `against` in the same round. */
  readonly speedRatio: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuMs: number;
  /** The same ratio of CPU times; below 1 is cheaper. */
  readonly cpuRatio: number;
  readonly memory: TreeMemory;
  /** Over all rounds. */
  readonly failed: number;
}

export interface Table {
  /** Number of busy loops beside server and client. */
  readonly neighbours: number;
  readonly figures: readonly Figures[];
  readonly measured: readonly Measured[];
}

export interface Comparison {
  /** Name and version of this program. */
  readonly tool: string;
  /** Time of the end, in ISO 8601. */
  readonly date: string;
  readonly machine: Machine;
  readonly settings: {
    readonly model: string;
    readonly images: string;
    readonly workers: number;
    readonly connections: number;
    readonly seconds: number;
    readonly rounds: number;
    /** The server that ratios refer to. */
    readonly against: string;
  };
  /** Agreement of each server with this service's profile `full`. */
  readonly agreement: Readonly<Record<string, Agreement>>;
  /** Names of images that were left out. */
  readonly decodedOtherwise: readonly string[];
  /** Peers that could not be installed or started. */
  readonly missing: readonly { readonly name: string; readonly reason: string }[];
  readonly tables: readonly Table[];
}

const MIB = 2 ** 20;

/** @param against name of the measured server that ratios refer to */
export function figuresOf(measured: readonly Measured[], against: string): Figures[] {
  const others = measured.find(({ name }) => name === against)?.rounds ?? [];
  return measured.map(({ name, rounds }) => {
    const of = (figure: (round: Round) => number): number => median(rounds.map(figure));
    const ratio = (figure: (round: Round) => number): number =>
      median(rounds.map((round, index) => figure(round) / figure(others[index] as Round)));
    return {
      name,
      requestsPerSecond: of((round) => round.requestsPerSecond),
      speedRatio: ratio((round) => round.requestsPerSecond),
      p50Ms: of((round) => round.p50Ms),
      p99Ms: of((round) => round.p99Ms),
      cpuMs: of((round) => round.cpuMs),
      cpuRatio: ratio((round) => round.cpuMs),
      memory: {
        bytes: of((round) => round.memory.bytes),
        kind: rounds.every((round) => round.memory.kind === 'PSS') ? 'PSS' : 'RSS',
      },
      failed: rounds.reduce((sum, round) => sum + round.failed, 0),
    };
  });
}

export function renderComparison(comparison: Comparison): string {
  const { machine, settings, decodedOtherwise, missing, tables } = comparison;
  const { model, images, workers, connections, seconds, rounds, against } = settings;
  const [some] = tables;
  const title =
    `${model} on ${images}; ${workers} workers, ${connections} connections, medians of ${rounds} × ${seconds} s ` +
    `in turn; ${machineLine(machine)}, shared by servers and client. ` +
    `Memory is ${some?.figures[0]?.memory.kind ?? 'that'} of the process tree.\n`;
  const disputed =
    decodedOtherwise.length > 0
      ? `\nLeft out: ${decodedOtherwise.length} images whose pixels differ between decoders.\n`
      : '';
  const absent = missing.map(({ name, reason }) => `\nLeft out: ${name}: ${reason}\n`).join('');
  return title + tables.map((table) => renderTable(table, against)).join('') + disputed + absent;
}

function renderTable({ neighbours, figures }: Table, against: string): string {
  const intro = neighbours > 0 ? `\nBeside ${neighbours} busy loops:\n` : '';
  const header = [
    'server',
    'requests/s',
    `× ${against}`,
    'p50, ms',
    'p99, ms',
    'CPU ms/request',
    `× ${against}`,
    'memory, MiB',
    'failed',
  ];
  const rows = figures.map((one) => [
    one.name,
    Math.round(one.requestsPerSecond),
    one.speedRatio.toFixed(2),
    one.p50Ms.toFixed(1),
    one.p99Ms.toFixed(1),
    one.cpuMs.toFixed(2),
    one.cpuRatio.toFixed(2),
    Math.round(one.memory.bytes / MIB),
    one.failed,
  ]);
  const rule = header.map((_, column) => (column === 0 ? '---' : '--:'));
  const lines = [header, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |\n`);
  return `${intro}\n${lines.join('')}`;
}
