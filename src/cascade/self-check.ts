// Loads a network's segments and proves that they reproduce the package's golden outputs at every exit, whatever company
// an image has in its batch. Doing so also warms every path before the first request.
import type { Engine, Segment } from '../engines/engine.js';
import type { GoldenDocument } from '../format/golden.js';
import { invariant, PackageError } from '../foundation/errors.js';
import type { Network } from '../network/network.js';
import { createImageTensor } from './image-tensor.js';

type Checked = Pick<Network, 'id' | 'manifest' | 'segments' | 'golden'>;

export function segmentKey(from: number, to: number): string {
  return `${from}>${to}`;
}

/**
 * Every segment of `network`, loaded.
 * @param known those that are loaded already. They are run again, since others may start where they end, and kept.
 * @throws PackageError if one does not reproduce its golden outputs, or lets company change an image's answer; the new
 *   ones have been released then.
 */
export async function loadSegments(
  engine: Engine,
  network: Checked,
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
  { id, manifest, segments, golden }: Checked,
  loaded: ReadonlyMap<string, Segment>,
): Promise<void> {
  const toTensor = createImageTensor(manifest.input, engine.imageLayout);
  const images = golden.cases.map(({ pixels }) => Buffer.from(pixels, 'base64'));
  const [image] = images;
  invariant(image, 'golden.json has at least one case');

  await compare(images, golden.cases, 'golden.json is not reproduced');
  // In batches of requests an image meets any others: this one it has not met yet.
  const negative = image.map((value) => 255 - value);
  await compare([negative, image], golden.cases.slice(0, 1), 'Images in one batch influence each other');
  // Mostly it has none: what a graph does to axes of one, it may then do to the batch.
  await compare([image], golden.cases.slice(0, 1), 'An image alone is answered otherwise than in a batch');

  /** Runs a batch of images, the last of which are those of `examples`, through every segment. */
  async function compare(
    batch: readonly Uint8Array[],
    examples: GoldenDocument['cases'],
    fault: string,
  ): Promise<void> {
    /** By exit: the cut there, from whichever segment reached it first. */
    const cuts = new Map([[-1, toTensor(Buffer.concat(batch))]]);

    // In order of their ends, so that a segment's start has always been reached before.
    for (const { from, to } of segments.toSorted((a, b) => a.to - b.to)) {
      const segment = loaded.get(segmentKey(from, to));
      const rows = cuts.get(from);
      invariant(segment && rows, `segment ${segmentKey(from, to)} of ${id} cannot be reached`);
      const output = await segment.run(rows, batch.length);
      if (output.cut && !cuts.has(to)) cuts.set(to, output.cut);

      const others = (output.logits.length / batch.length) * (batch.length - examples.length);
      const difference = largestDifference(
        output.logits.subarray(others),
        examples.flatMap((example) => example.logits[to] ?? []),
      );
      if (!(difference <= golden.tolerance)) {
        const exit = manifest.exits[to]?.name;
        throw new PackageError(
          `${fault} at exit "${exit}": logits differ by ${difference.toPrecision(3)}, ` +
            `more than ${golden.tolerance}.`,
        );
      }
    }
  }
}

/** The largest absolute difference; NaN as soon as one is not a number. */
function largestDifference(actual: Float32Array, expected: readonly number[]): number {
  if (actual.length !== expected.length) return Number.NaN;
  return expected.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (actual[i] as number))), 0);
}
