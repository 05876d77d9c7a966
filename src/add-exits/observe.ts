// Runs the plain network over images and keeps what the heads are fitted to: pooled features and logits.
// Neighbours: exit-graph.ts, which writes the graph that gives both at once; fit-heads.ts.
import { createImageTensor, imageSize } from '../cascade/image-tensor.js';
import type { Sample } from '../datasets/data-set.js';
import { decodeSample } from '../datasets/decode-sample.js';
import type { Decoder } from '../decoding/decode.js';
import type { Engine } from '../engines/engine.js';
import type { ModelInput } from '../format/manifest.js';
import { invariant, UsageError } from '../foundation/errors.js';
import { type Hanging, withFeatures } from './heads/exit-graph.js';
import type { Rows } from './heads/linear-products.js';
import type { PlainNetwork } from './plain-network.js';

/** Values of all images of an engine call together; more gain nothing on one thread. */
const BATCH_VALUES = 2 ** 20;
const MOST_IN_A_BATCH = 64;

/** Bytes of all features that are kept. */
export const MOST_FEATURE_BYTES = 2 ** 30;

export interface ObserveOptions {
  readonly engine: Engine;
  readonly decoder: Decoder;
  readonly plain: PlainNetwork;
  readonly candidates: readonly Hanging[];
  readonly samples: readonly Sample[];
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
  const values = candidates.reduce((sum, { form }) => sum + form.count, classes);
  return Math.floor(MOST_FEATURE_BYTES / (4 * values));
}

/** Images of one engine call. */
export function batchFor(input: ModelInput): number {
  return Math.max(1, Math.min(MOST_IN_A_BATCH, Math.floor(BATCH_VALUES / imageSize(input))));
}

/**
 * @returns the features at every candidate and the logits of all images, in order.
 * @throws UsageError that names an image which cannot be decoded, or for which a number is not finite
 */
export async function observe(options: ObserveOptions): Promise<Observations> {
  const { engine, plain, candidates, samples, onProgress } = options;
  const { input, description } = plain;
  const classes = description.classes.length;
  const { graph, output } = withFeatures(plain.graph, finalLogits(plain), classes, candidates);
  const source = {
    from: -1,
    to: 0,
    input: input.tensor,
    inputShape: plain.network.image.shape,
    logits: output,
    graph,
  };
  const [segment] = await engine.load([source]);
  invariant(segment, 'an engine loads as many segments as it is given');
  const toTensor = createImageTensor(input, engine.imageLayout);
  const logits = { values: new Float32Array(samples.length * classes), width: classes };
  const features = candidates.map(({ form }) => ({
    values: new Float32Array(samples.length * form.count),
    width: form.count,
  }));
  const parts = [...features, logits];
  const size = batchFor(input);
  const decoded = (start: number) =>
    Promise.all(
      samples.slice(start, start + size).map((sample) => decodeSample(options.decoder, sample, input)),
    );
  let next = decoded(0);
  try {
    for (let start = 0; start < samples.length; start += size) {
      const pixels = await next;
      // Decoded by other threads while this one runs the network.
      next = decoded(start + size);
      const rows = (await segment.run(toTensor(Buffer.concat(pixels)), pixels.length)).logits;
      const bad = rows.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0) {
        const { name } = samples[start + Math.floor((bad * pixels.length) / rows.length)] as Sample;
        throw new UsageError(`${name}: the network gives numbers that are not finite.`);
      }
      spread(rows, pixels.length, parts, start);
      onProgress(pixels.length);
    }
  } finally {
    await next.catch(() => {});
    await segment.release();
  }
  return { features, logits };
}

/** Rows of all parts side by side, each to its own place. */
function spread(
  rows: Float32Array,
  images: number,
  parts: readonly { readonly values: Float32Array; readonly width: number }[],
  first: number,
): void {
  let place = 0;
  for (let image = 0; image < images; image++) {
    for (const { values, width } of parts) {
      values.set(rows.subarray(place, place + width), (first + image) * width);
      place += width;
    }
  }
}

export function finalLogits({ exits }: PlainNetwork): string {
  const logits = exits.at(-1)?.logits;
  invariant(logits !== undefined, 'a network has a final exit');
  return logits;
}
