// Loads a network's segments and proves that they reproduce the package's golden outputs at every exit.
// Doing so also warms every path before the first request.
import type { Engine, Segment } from '../engines/engine.js';
import { invariant, PackageError } from '../errors.js';
import { createImageTensor } from './image-tensor.js';
import type { Network } from './protocol.js';

export function segmentKey(from: number, to: number): string {
  return `${from}>${to}`;
}

/** Every segment of `network`, loaded. @throws PackageError if one does not reproduce its golden outputs. */
export async function loadSegments(
  engine: Engine,
  network: Pick<Network, 'id' | 'manifest' | 'segments' | 'golden'>,
): Promise<Map<string, Segment>> {
  const { manifest, golden } = network;
  const pixels = Buffer.concat(golden.cases.map((example) => Buffer.from(example.pixels, 'base64')));
  const batch = golden.cases.length;
  const loaded = new Map<string, Segment>();
  /** By exit: the cut there, from whichever segment reached it first. */
  const cuts = new Map([[-1, createImageTensor(manifest.input, engine.imageLayout)(pixels)]]);

  // In order of their ends, so that a segment's start has always been reached before.
  for (const source of network.segments.toSorted((a, b) => a.to - b.to)) {
    const segment = await engine.load(source);
    loaded.set(segmentKey(source.from, source.to), segment);
    const rows = cuts.get(source.from);
    invariant(rows, `no segment of ${network.id} ends at exit ${source.from}, where another starts`);
    const output = await segment.run(rows, batch);
    if (output.cut && !cuts.has(source.to)) cuts.set(source.to, output.cut);

    const difference = largestDifference(
      output.logits,
      golden.cases.flatMap((example) => example.logits[source.to] ?? []),
    );
    if (!(difference <= golden.tolerance)) {
      await Promise.all([...loaded.values()].map((one) => one.release()));
      const exit = manifest.exits[source.to]?.name;
      throw new PackageError(
        `golden.json is not reproduced at exit "${exit}": logits differ by ${difference.toPrecision(3)}, ` +
          `more than ${golden.tolerance}.`,
      );
    }
  }
  return loaded;
}

/** The largest absolute difference; NaN as soon as one is not a number. */
function largestDifference(actual: Float32Array, expected: readonly number[]): number {
  if (actual.length !== expected.length) return Number.NaN;
  return expected.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (actual[i] as number))), 0);
}
