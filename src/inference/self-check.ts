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
  // In order of their ends, so that a segment's start has always been reached before.
  const sources = network.segments.toSorted((a, b) => a.to - b.to);
  const segments = await engine.load(sources);
  const pixels = Buffer.concat(golden.cases.map((example) => Buffer.from(example.pixels, 'base64')));
  const batch = golden.cases.length;
  const loaded = new Map<string, Segment>();
  /** By exit: the cut there, from whichever segment reached it first. */
  const cuts = new Map([[-1, createImageTensor(manifest.input, engine.imageLayout)(pixels)]]);

  for (const [index, { from, to }] of sources.entries()) {
    const segment = segments[index];
    const rows = cuts.get(from);
    invariant(segment && rows, `segment ${segmentKey(from, to)} of ${network.id} cannot be reached`);
    const output = await segment.run(rows, batch);
    if (output.cut && !cuts.has(to)) cuts.set(to, output.cut);

    const difference = largestDifference(
      output.logits,
      golden.cases.flatMap((example) => example.logits[to] ?? []),
    );
    if (!(difference <= golden.tolerance)) {
      await Promise.all(segments.map((one) => one.release()));
      const exit = manifest.exits[to]?.name;
      throw new PackageError(
        `golden.json is not reproduced at exit "${exit}": logits differ by ${difference.toPrecision(3)}, ` +
          `more than ${golden.tolerance}.`,
      );
    }
    loaded.set(segmentKey(from, to), segment);
  }
  return loaded;
}

/** The largest absolute difference; NaN as soon as one is not a number. */
function largestDifference(actual: Float32Array, expected: readonly number[]): number {
  if (actual.length !== expected.length) return Number.NaN;
  return expected.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (actual[i] as number))), 0);
}
