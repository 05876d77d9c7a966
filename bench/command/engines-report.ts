// The comparison of engines: a JSON document and a text table.
import { formatTable, megaflops } from '../../src/report/table.js';
import { BATCHES, type EngineComparison } from './engines.js';
import { type Machine, machineLine } from './machine.js';

export interface EnginesDocument {
  /** Name and version of this program. */
  readonly tool: string;
  /** Time of the end, in ISO 8601. */
  readonly date: string;
  readonly machine: Machine;
  readonly settings: { readonly seconds: number; readonly rounds: number };
  readonly models: readonly (EngineComparison & { readonly model: string; readonly fullFlops: number })[];
}

export function renderEngines({ machine, settings, models }: EnginesDocument): string {
  const { seconds, rounds } = settings;
  return (
    `${machineLine(machine)}\none thread, every image to the final exit, medians of ${rounds} × ${seconds} s\n` +
    models
      .map(
        ({ model, fullFlops, ...comparison }) =>
          `\n${model}, ${megaflops(fullFlops, 1)} MFLOPs\n\n${renderComparison(comparison)}`,
      )
      .join('')
  );
}

function renderComparison({ figures, missing }: EngineComparison): string {
  const rows = BATCHES.flatMap((batch) => {
    const those = figures.filter((one) => one.batch === batch);
    const onnx = those.find(({ engine }) => engine === 'onnx')?.cpuMs;
    return those.map((one) => [
      `${one.engine} (${one.device})`,
      batch,
      Math.round(one.imagesPerSecond),
      one.medianMs.toFixed(2),
      one.p99Ms.toFixed(2),
      one.cpuMs.toFixed(2),
      onnx === undefined ? '–' : `${(one.cpuMs / onnx).toFixed(2)} ×`,
    ]);
  });
  const header = ['engine:', 'batch', 'images/s', 'median ms', 'p99 ms', 'CPU ms/image', 'of onnx’s CPU'];
  return formatTable(header, rows) + missing.map(({ reason }) => `${reason}\n`).join('');
}
