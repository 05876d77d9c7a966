// Records golden images at import: the logits of every exit for image files. The exported file must give the same answers,
// run as a whole on the same pixels. Nothing here knows how the network was trained, so preprocessing is not proven.
import { createImageTensor } from '../../cascade/image-tensor.js';
import type { Engine } from '../../engines/engine.js';
import type { GoldenImages } from '../../format/golden.js';
import type { ModelInput } from '../../format/manifest.js';
import { messageOf, PackageError } from '../../foundation/errors.js';
import { createUniform } from '../../foundation/random.js';
import { runExport } from '../../network/intake/run-export.js';
import type { MultiExitGraph } from '../../network/multi-exit-graph.js';
import { softmax } from '../../policies/probabilities.js';
import { decodeImages, type NamedImage } from '../golden-images.js';
import { logitsOf, toleranceOf } from '../golden-outputs.js';
import { graphImage } from '../package.js';

export interface Recorded {
  readonly golden: GoldenImages;
  /** Why the exported file was not compared; undefined: it was, and agrees. */
  readonly notCompared: string | undefined;
}

/**
 * @param exported the file as the exporter wrote it
 * @param outputs its outputs, in the order of the exits: logits or probabilities
 * @throws PackageError if an image cannot be decoded, or if the exported file answers otherwise than the package
 */
export async function recordGoldenImages(
  engine: Engine,
  network: MultiExitGraph,
  input: ModelInput,
  images: readonly NamedImage[],
  exported: Uint8Array,
  outputs: readonly string[],
): Promise<Recorded> {
  const pixels = await decodeImages(images, input);
  const logits = await logitsOf(engine, network, input, pixels);
  const moved = await logitsOf(engine, network, input, pixels.map(roundedOtherwise));
  const largest = differenceOf(logits.flat(2), moved.flat(2));
  const tolerance = Math.max(toleranceOf(logits), largest);
  const notCompared = await compareWithFile(engine, input, pixels, exported, outputs, logits);
  const golden = {
    tolerance,
    cases: images.map(({ bytes }, index) => ({
      image: Buffer.from(bytes).toString('base64'),
      logits: logits[index] ?? [],
    })),
  };
  return { golden, notCompared };
}

/** The same pixels, each one grey level lighter or darker: a decoder may round so. */
function roundedOtherwise(pixels: Uint8Array): Buffer {
  const random = createUniform(1);
  return Buffer.from(pixels.map((value) => Math.min(255, Math.max(0, value + (random() < 0.5 ? -1 : 1)))));
}

/** @returns why the file could not be run; undefined: it answers as the package does */
async function compareWithFile(
  engine: Engine,
  input: ModelInput,
  pixels: readonly Uint8Array[],
  exported: Uint8Array,
  outputs: readonly string[],
  logits: readonly (readonly (readonly number[])[])[],
): Promise<string | undefined> {
  const toTensor = createImageTensor(input, engine.imageLayout);
  let answers: Awaited<ReturnType<typeof runExport>>;
  try {
    answers = await runExport(engine, exported, graphImage(input), pixels.map(toTensor), outputs);
  } catch (error) {
    return messageOf(error).replace(/\s+/g, ' ').replace(/\.+$/, '');
  }
  for (const [image, answer] of answers.entries()) {
    for (const [exit, output] of outputs.entries()) {
      const own = logits[image]?.[exit] ?? [];
      const theirs = answer.get(output)?.slice(0, own.length) ?? [];
      const probabilities = [...softmax(Float32Array.from(own))];
      const forms = [own, probabilities, probabilities.map(Math.log)];
      const nearest = Math.min(...forms.map((form) => differenceOf(form, theirs)));
      if (nearest > toleranceOf(logits)) {
        throw new PackageError(
          `The package answers otherwise than the exported file: golden image ${image}, output "${output}", ` +
            `a difference of ${nearest.toPrecision(3)}. This is a bug in rdi-serve.`,
        );
      }
    }
  }
  return undefined;
}

/** The largest absolute difference; infinite if the lengths differ or a value is not a number. */
function differenceOf(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return a.reduce((worst, value, i) => {
    const difference = Math.abs(value - (b[i] ?? Number.NaN));
    return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(worst, difference);
  }, 0);
}
