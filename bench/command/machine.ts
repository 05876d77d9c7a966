// Describes the machine on which figures were measured, for the documents of benchmarks.
import { availableParallelism, cpus, totalmem } from 'node:os';
import process from 'node:process';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  readonly platform: string;
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown processor',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
  };
}

export function machineLine({ cores, cpu, memoryGiB, node, platform }: Machine): string {
  return `${cores} × ${cpu}, ${memoryGiB} GiB, Node ${node}, ${platform}`;
}
