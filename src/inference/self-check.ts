// Loads a network's segments and proves that they reproduce the package's golden outputs at every exit.
// Doing so also warms every path before the first request.
import type { Engine, Segment } from '../engines/engine.js';
import { invariant, PackageError } from '../errors.js';
import { createImageTensor } from './image-tensor.js';
import type { Network } from './protocol.js';

export function segmentKey(from: number, to: number): string {
  return `${from}>${to}`;
}

/**
 * Every segment of `network`, loaded.
 * @param known those that are loaded already. They are run again, since others may start where they end, and kept.
 * @throws PackageError if one does not reproduce its golden outputs; the new ones have been released then.
 */
export async function loadSegments(
  engine: Engine,
  network: Pick<Network, 'id' | 'manifest' | 'segments' | 'golden'>,
  known: ReadonlyMap<string, Segment> = new Map(),
): Promise<Map<string, Segment>> {
  const sources = network.segments.filter(({ from, to }) => !known.has(segmentKey(from, to)));
  const fresh = sources.length > 0 ? await engine.load(sources) : [];
  const loaded = new Map(known);
  for (const [index, { from, to }] of sources.entries()) {
    const segment = fresh[index];
    invariant(segment, `the ${engine.name} engine loads every segment`);
    loaded.set(segmentKey(from, to), segment);
  }
  try {
    await checkGolden(engine, network, loaded);
  } catch (error) {
    await Promise.all(fresh.map((segment) => segment.release()));
    throw error;
  }
  return loaded;
}

async function checkGolden(
  engine: Engine,
  { id, manifest, segments, golden }: Pick<Network, 'id' | 'manifest' | 'segments' | 'golden'>,
  loaded: ReadonlyMap<string, Segment>,
): Promise<void> {
  const pixels = Buffer.concat(golden.cases.map((example) => Buffer.from(example.pixels, 'base64')));
  const batch = golden.cases.length;
  /** By exit: the cut there, from whichever segment reached it first. */
  const cuts = new Map([[-1, createImageTensor(manifest.input, engine.imageLayout)(pixels)]]);

  // In order of their ends, so that a segment's start has always been reached before.
  for (const { from, to } of segments.toSorted((a, b) => a.to - b.to)) {
    const segment = loaded.get(segmentKey(from, to));
    const rows = cuts.get(from);
    invariant(segment && rows, `segment ${segmentKey(from, to)} of ${id} cannot be reached`);
    const output = await segment.run(rows, batch);
    if (output.cut && !cuts.has(to)) cuts.set(to, output.cut);

    const difference = largestDifference(
      output.logits,
      golden.cases.flatMap((example) => example.logits[to] ?? []),
    );
    if (!(difference <= golden.tolerance)) {
      const exit = manifest.exits[to]?.name;
      throw new PackageError(
        `golden.json is not reproduced at exit "${exit}": logits differ by ${difference.toPrecision(3)}, ` +
          `more than ${golden.tolerance}.`,
      );
    }
  }
}

/** The largest absolute difference; NaN as soon as one is not a number. */
function largestDifference(actual: Float32Array, expected: readonly number[]): number {
  if (actual.length !== expected.length) return Number.NaN;
  return expected.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (actual[i] as number))), 0);
}
