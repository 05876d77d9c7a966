// Runs the plain network over images and keeps what the heads are fitted to: pooled features and logits.
// Neighbours: exit-graph.ts, which writes the graph that gives both at once; fit-heads.ts; feature-store.ts.
import { createImageTensor, imageSize } from '../cascade/image-tensor.js';
import type { Sample } from '../datasets/data-set.js';
import { decodeSample } from '../datasets/decode-sample.js';
import type { Decoder } from '../decoding/decode.js';
import type { Engine } from '../engines/engine.js';
import type { ModelInput } from '../format/manifest.js';
import { invariant, UsageError } from '../foundation/errors.js';
import type { FeatureStore } from './cache/feature-store.js';
import { type Hanging, withFeatures } from './heads/exit-graph.js';
import type { Rows } from './heads/linear-products.js';
import type { PlainNetwork } from './plain-network.js';
import type { HashedSample } from './split.js';

/** Values of all images of an engine call together; more gain nothing on one thread. */
const BATCH_VALUES = 2 ** 20;
const MOST_IN_A_BATCH = 64;
/** Images whose rows are written together: as many are run again after an interruption. */
const KEPT_TOGETHER = 64;

/** Bytes of all features that are kept. */
export const MOST_FEATURE_BYTES = 2 ** 30;

export interface ObserveOptions {
  readonly engine: Engine;
  readonly decoder: Decoder;
  readonly plain: PlainNetwork;
  readonly candidates: readonly Hanging[];
  readonly samples: readonly HashedSample[];
  /** Where it is kept; images that are there are not run again. */
  readonly features: FeatureStore;
  /** Called with the number of images that were run since the last call. */
  readonly onProgress: (images: number) => void;
}

/** What the network says of some images. */
export interface Observations {
  /** By candidate. */
  readonly features: readonly Rows[];
  readonly logits: Rows;
}

/** How many images' features and logits fit into the memory for them. */
export function mostImages(candidates: readonly Hanging[], classes: number): number {
  return Math.floor(MOST_FEATURE_BYTES / (4 * rowWidth(candidates, classes)));
}

/** Images of one engine call. */
export function batchFor(input: ModelInput): number {
  return Math.max(1, Math.min(MOST_IN_A_BATCH, Math.floor(BATCH_VALUES / imageSize(input))));
}

/** Numbers that are kept of each image: the features at every candidate, in order, then the logits. */
export function rowWidth(candidates: readonly Hanging[], classes: number): number {
  return candidates.reduce((sum, { form }) => sum + form.count, classes);
}

/** The network that gives such rows. */
export function observedGraph(plain: PlainNetwork, candidates: readonly Hanging[]) {
  return withFeatures(plain.graph, finalLogits(plain), plain.description.classes.length, candidates);
}

/**
 * Runs all images that are not in the store, in order, and puts what comes out there.
 * @throws UsageError that names an image which cannot be decoded, or for which a number is not finite
 */
export async function observe(options: ObserveOptions): Promise<void> {
  const { engine, plain, candidates, samples, features, onProgress } = options;
  const missing = samples.filter(({ sha256 }) => !features.has(sha256));
  onProgress(samples.length - missing.length);
  if (missing.length === 0) return;
  const { input } = plain;
  const { graph, output } = observedGraph(plain, candidates);
  const inputShape = plain.network.image.shape;
  const source = { from: -1, to: 0, input: input.tensor, inputShape, logits: output, graph };
  const [segment] = await engine.load([source]);
  invariant(segment, 'an engine loads as many segments as it is given');
  const toTensor = createImageTensor(input, engine.imageLayout);
  const size = batchFor(input);
  const decoded = (start: number) =>
    Promise.all(
      missing.slice(start, start + size).map((sample) => decodeSample(options.decoder, sample, input)),
    );
  let next = decoded(0);
  let waiting: Float32Array[] = [];
  let kept = 0;
  try {
    for (let start = 0; start < missing.length; start += size) {
      const pixels = await next;
      // Decoded by other threads while this one runs the network.
      next = decoded(start + size);
      const batch = missing.slice(start, start + size);
      const rows = (await segment.run(toTensor(Buffer.concat(pixels)), batch.length)).logits;
      refuseNonFinite(rows, batch);
      waiting.push(rows);
      const done = start + batch.length;
      // Always whole batches, so that a run that was interrupted goes on with the batches that it would have had.
      if (done - kept >= KEPT_TOGETHER || done === missing.length) {
        await features.add(
          missing.slice(kept, done).map(({ sha256 }) => sha256),
          joined(waiting),
        );
        [waiting, kept] = [[], done];
      }
      onProgress(batch.length);
    }
  } finally {
    await next.catch(() => {});
    await segment.release();
  }
}

/** @returns the features at every candidate and the logits of all images, in order; takes memory for all of them */
export async function readObservations(
  store: FeatureStore,
  samples: readonly HashedSample[],
  candidates: readonly Hanging[],
  classes: number,
): Promise<Observations> {
  const rowsOf = (width: number): Rows => ({ values: new Float32Array(samples.length * width), width });
  const features = candidates.map(({ form }) => rowsOf(form.count));
  const logits = rowsOf(classes);
  for await (const { place, row } of store.read(samples.map(({ sha256 }) => sha256))) {
    let from = 0;
    for (const { values, width } of [...features, logits]) {
      values.set(row.subarray(from, from + width), place * width);
      from += width;
    }
  }
  return { features, logits };
}

function refuseNonFinite(rows: Float32Array, batch: readonly Sample[]): void {
  const bad = rows.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  const { name } = batch[Math.floor((bad * batch.length) / rows.length)] as Sample;
  throw new UsageError(`${name}: the network gives numbers that are not finite.`);
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let place = 0;
  for (const part of parts) {
    all.set(part, place);
    place += part.length;
  }
  return all;
}

export function finalLogits({ exits }: PlainNetwork): string {
  const logits = exits.at(-1)?.logits;
  invariant(logits !== undefined, 'a network has a final exit');
  return logits;
}
