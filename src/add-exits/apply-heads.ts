// What the exits of the finished network say to images whose features are kept: without running the network again.
import type { Engine } from '../engines/engine.js';
import type { FeatureStore } from './cache/feature-store.js';
import type { Findings } from './findings.js';
import type { LinearHead } from './heads/exit-graph.js';
import { applyHead } from './heads/linear-products.js';
import type { HashedSample } from './split.js';

/** Images whose features memory holds. */
const BLOCK = 1024;

/** @returns logits [images, exits, classes], the final exit's last: those of the network itself */
export async function applyHeads(
  engine: Engine,
  features: FeatureStore,
  samples: readonly HashedSample[],
  {
    candidates,
    choice,
    final,
    classes,
  }: Pick<Findings, 'candidates' | 'choice' | 'final'> & { classes: number },
): Promise<Float32Array> {
  const exits = choice.chosen.length + 1;
  const logits = new Float32Array(samples.length * exits * classes);
  const starts: number[] = [];
  let width = 0;
  for (const { form } of candidates) {
    starts.push(width);
    width += form.count;
  }
  const parts = choice.chosen.map((candidate, exit) => {
    const [start, count] = [starts[candidate] as number, candidates[candidate]?.form.count ?? 0];
    return { start, count, rows: new Float32Array(BLOCK * count), head: final[exit] as LinearHead };
  });
  let places: number[] = [];
  const apply = async (): Promise<void> => {
    for (const [exit, { count, rows, head }] of parts.entries()) {
      const values = rows.subarray(0, places.length * count);
      const said = await applyHead(engine, { values, width: count }, head);
      places.forEach((place, row) => {
        logits.set(said.subarray(row * classes, (row + 1) * classes), (place * exits + exit) * classes);
      });
    }
    places = [];
  };
  for await (const { place, row } of features.read(samples.map(({ sha256 }) => sha256))) {
    logits.set(row.subarray(width, width + classes), (place * exits + exits - 1) * classes);
    for (const { start, count, rows } of parts) {
      rows.set(row.subarray(start, start + count), places.length * count);
    }
    places.push(place);
    if (places.length === BLOCK) await apply();
  }
  if (places.length > 0) await apply();
  return logits;
}
