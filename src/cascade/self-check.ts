// Loads a network's segments and checks that they reproduce the package's golden outputs at every exit, whatever other
// images are in the batch. The check also warms up every path before the first request.
import type { Engine, Segment } from '../engines/engine.js';
import type { GoldenDocument } from '../format/golden.js';
import { invariant, PackageError } from '../foundation/errors.js';
import type { Network } from '../network/network.js';
import { createImageTensor } from './image-tensor.js';

type Checked = Pick<Network, 'id' | 'manifest' | 'segments' | 'golden' | 'goldenImages'>;

export function segmentKey(from: number, to: number): string {
  return `${from}>${to}`;
}

/**
 * Loads every segment of `network`.
 * @param known segments that are already loaded; they are kept, and run again because others may start at their ends
 * @throws PackageError if a segment does not reproduce its golden outputs, or if other images in the batch change an
 *   image's answer. The new segments are released first.
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
  { id, manifest, segments, golden, goldenImages }: Checked,
  loaded: ReadonlyMap<string, Segment>,
): Promise<void> {
  const toTensor = createImageTensor(manifest.input, engine.imageLayout);
  const images = pixelsOf(golden);
  const [image] = images;
  invariant(image, 'golden.json has at least one case');

  await compare(images, golden.cases, 'golden.json is not reproduced');
  // Batches of requests combine arbitrary images: check with an image that is not among the golden cases.
  const negative = image.map((value) => 255 - value);
  await compare([negative, image], golden.cases.slice(0, 1), 'Images in one batch influence each other');
  // Most images run alone. A graph that changes axes of size 1 can then also change the batch axis.
  await compare([image], golden.cases.slice(0, 1), 'An image alone is answered otherwise than in a batch');

  if (goldenImages) {
    const fault =
      'golden-images.json is not reproduced, so images are not prepared as its author prepared them,';
    await compare(pixelsOf(goldenImages), goldenImages.cases, fault, goldenImages.tolerance);
  }

  /** Runs a batch through every segment. The last images of the batch are those of `examples`. */
  async function compare(
    batch: readonly Uint8Array[],
    examples: GoldenDocument['cases'],
    fault: string,
    tolerance = golden.tolerance,
  ): Promise<void> {
    /** By exit: the cut there, from the first segment that reached it. */
    const cuts = new Map([[-1, toTensor(Buffer.concat(batch))]]);

    // Sorted by their ends, so that the start of each segment has been reached before.
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
      if (!(difference <= tolerance)) {
        const exit = manifest.exits[to]?.name;
        throw new PackageError(
          `${fault} at exit "${exit}": logits differ by ${difference.toPrecision(3)}, ` +
            `more than ${tolerance}.`,
        );
      }
    }
  }
}

function pixelsOf({ cases }: GoldenDocument): Buffer[] {
  return cases.map(({ pixels }) => Buffer.from(pixels, 'base64'));
}

/** The largest absolute difference; NaN if the lengths differ or any difference is NaN. */
function largestDifference(actual: Float32Array, expected: readonly number[]): number {
  if (actual.length !== expected.length) return Number.NaN;
  return expected.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (actual[i] as number))), 0);
}
