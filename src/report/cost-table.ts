// The costs of a network's exits as a text table.
import type { Manifest } from '../format/manifest.js';
import { fullFlops } from '../network/execution-path.js';
import { formatTable, megaflops, percent } from './table.js';

/** One row per exit with costs in MFLOPs; of several exits, also the share that all heads together add to the backbone. */
export function costTable({ exits }: Pick<Manifest, 'exits'>): string {
  const backbone = fullFlops(exits);
  const heads = exits.reduce((sum, exit) => sum + exit.flops.head, 0);
  const rows = exits.map(({ name, flops }, index) => [
    index,
    name,
    megaflops(flops.stage),
    megaflops(flops.head),
    megaflops(flops.cumulative),
    share(flops.cumulative, backbone),
  ]);
  const header = ['exit', 'name:', 'stage MFLOPs', 'head MFLOPs', 'cumulative', 'of backbone'];
  const table = formatTable(header, rows);
  if (exits.length === 1) return table;
  return (
    `${table}\nBackbone with the final exit alone: ${megaflops(backbone)} MFLOPs; ` +
    `the heads of all side exits add ${share(heads, backbone)}.\n`
  );
}

function share(part: number, whole: number): string {
  return whole === 0 ? '–' : percent(part / whole, 1);
}
