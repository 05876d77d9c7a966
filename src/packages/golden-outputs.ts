// Makes and checks golden outputs: an engine runs the network stage by stage.

import { createImageTensor } from '../cascade/image-tensor.js';
import { loadSegments } from '../cascade/self-check.js';
import type { Engine, SegmentSource } from '../engines/engine.js';
import type { GoldenDocument } from '../format/golden.js';
import type { ModelInput } from '../format/manifest.js';
import { invariant, messageOf, PackageError } from '../foundation/errors.js';
import type { MultiExitGraph } from '../network/multi-exit-graph.js';
import { extractSegment } from '../network/segments.js';
import type { ModelPackage } from './package.js';
import { syntheticImages } from './synthetic-images.js';

/** Engines and processors round differently. Measured differences are at most this share of the largest logit. */
const RELATIVE_TOLERANCE = 1e-4;
const LEAST_TOLERANCE = 1e-3;

/** The network as one segment per stage, in order. */
export function everyStage(network: MultiExitGraph): SegmentSource[] {
  return network.exits.map((_, to) => extractSegment(network, { from: to - 1, to }));
}

/** The logits of the network at every exit for `count` synthetic images. @throws PackageError if it cannot be run */
export async function makeGolden(
  engine: Engine,
  network: MultiExitGraph,
  input: ModelInput,
  count: number,
  seed: number,
): Promise<GoldenDocument> {
  const images = syntheticImages(input, count, seed);
  const logits = await logitsOf(engine, network, input, images);
  return {
    tolerance: toleranceOf(logits),
    cases: images.map((pixels, image) => ({
      pixels: Buffer.from(pixels).toString('base64'),
      logits: logits[image] ?? [],
    })),
  };
}

/**
 * Runs the network stage by stage.
 * @param images pixels, uint8 [height, width, channels] each
 * @returns [images][exits][classes]
 * @throws PackageError if it cannot be run, or if it gives logits that are not finite
 */
export async function logitsOf(
  engine: Engine,
  network: MultiExitGraph,
  input: ModelInput,
  images: readonly Uint8Array[],
): Promise<number[][][]> {
  const count = images.length;
  const logits: number[][][] = images.map(() => []);
  let rows = createImageTensor(input, engine.imageLayout)(Buffer.concat(images));
  for (const source of everyStage(network)) {
    const output = await run(engine, source, rows, count);
    const classes = output.logits.length / count;
    logits.forEach((exits, image) => {
      exits.push([...output.logits.subarray(image * classes, (image + 1) * classes)]);
    });
    rows = output.cut ?? rows;
  }
  if (!logits.flat(2).every(Number.isFinite)) {
    throw new PackageError('model.onnx gives logits that are not finite numbers.');
  }
  return logits;
}

/** Above the differences that engines and processors make by rounding. */
export function toleranceOf(logits: readonly (readonly (readonly number[])[])[]): number {
  const largest = logits.flat(2).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return Math.max(LEAST_TOLERANCE, RELATIVE_TOLERANCE * largest);
}

async function run(engine: Engine, source: SegmentSource, rows: Float32Array, count: number) {
  const [segment] = await runnable(engine, () => engine.load([source]));
  invariant(segment, 'an engine loads as many segments as it is given');
  try {
    return await runnable(engine, () => segment.run(rows, count));
  } finally {
    await segment.release();
  }
}

/** @throws PackageError if the stages, or the segments of a profile, do not reproduce the golden logits of an exit */
export async function verifyGolden(
  engine: Engine,
  network: MultiExitGraph,
  { manifest, golden, goldenImages, segments }: ModelPackage,
): Promise<void> {
  const stages = everyStage(network);
  const known = new Set(stages.map(({ from, to }) => `${from} ${to}`));
  const all = [...stages, ...segments.filter(({ from, to }) => !known.has(`${from} ${to}`))];
  const id = `${manifest.name}/${manifest.version}`;
  const loaded = await runnable(engine, () =>
    loadSegments(engine, { id, manifest, golden, goldenImages, segments: all }),
  );
  await Promise.all([...loaded.values()].map((segment) => segment.release()));
}

/** Turns the engine's error about a graph into a PackageError about the file. */
async function runnable<Result>(engine: Engine, task: () => Promise<Result>): Promise<Result> {
  try {
    return await task();
  } catch (error) {
    if (error instanceof PackageError) throw error;
    throw new PackageError(`The engine "${engine.name}" cannot run model.onnx: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
