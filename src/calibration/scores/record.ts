// Records the logits of every exit for every image. Images are decoded like those of requests and run stage by stage in
// this process.

import { createImageTensor } from '../../cascade/image-tensor.js';
import { loadSegments, segmentKey } from '../../cascade/self-check.js';
import type { Sample } from '../../datasets/data-set.js';
import { decodeSample } from '../../datasets/decode-sample.js';
import type { Decoder } from '../../decoding/decode.js';
import type { Engine, Segment } from '../../engines/engine.js';
import { describedSha256 } from '../../format/certificate.js';
import { GRAPH_FILE } from '../../format/documents.js';
import { invariant, UsageError } from '../../foundation/errors.js';
import { everyStage } from '../../packages/golden-outputs.js';
import { type ModelPackage, readNetwork } from '../../packages/package.js';
import { readInside } from '../../packages/package-files.js';
import type { Recording } from './recording.js';

const BATCH = 64;

export interface RecordOptions {
  readonly model: ModelPackage;
  readonly engine: Engine;
  readonly decoder: Decoder;
  readonly samples: readonly Sample[];
  /** Class of each sample, if known. */
  readonly truth?: Int32Array;
  readonly dataSha256: string;
  /** Called with the number of images recorded since the last call. */
  readonly onProgress: (images: number) => void;
}

/** @throws UsageError that names the image if it cannot be decoded, or if an exit's logits for it are not finite. */
export async function recordScores(options: RecordOptions): Promise<Recording> {
  const { model, engine, samples, truth } = options;
  const { manifest, golden, directory } = model;
  const id = `${manifest.name}/${manifest.version}`;
  const network = readNetwork(await readInside(directory, GRAPH_FILE), manifest);
  const loaded = await loadSegments(engine, { id, manifest, golden, segments: everyStage(network) });
  const [exits, classes] = [manifest.exits.length, manifest.classes.length];
  const stages = manifest.exits.map((_, exit) => {
    const stage = loaded.get(segmentKey(exit - 1, exit));
    invariant(stage, `the stage of exit ${exit} is loaded`);
    return stage;
  });
  const toTensor = createImageTensor(manifest.input, engine.imageLayout);
  const logits = new Float32Array(samples.length * exits * classes);
  try {
    for (let start = 0; start < samples.length; start += BATCH) {
      const batch = samples.slice(start, start + BATCH);
      const pixels = await Promise.all(
        batch.map((sample) => decodeSample(options.decoder, sample, manifest.input)),
      );
      const rows = await runStages(stages, toTensor(Buffer.concat(pixels)), batch.length, classes);
      refuseNonFinite(rows, batch, exits * classes);
      logits.set(rows, start * exits * classes);
      options.onProgress(batch.length);
    }
  } finally {
    await Promise.all([...loaded.values()].map((segment) => segment.release()));
  }
  return {
    model: id,
    modelSha256: manifest.files[GRAPH_FILE]?.sha256 ?? '',
    describedSha256: describedSha256(manifest),
    dataSha256: options.dataSha256,
    images: samples.length,
    exits,
    classes,
    logits,
    ...(truth && { truth }),
  };
}

/** @returns logits [batch, exits, classes] */
async function runStages(
  stages: readonly Segment[],
  images: Float32Array,
  batch: number,
  classes: number,
): Promise<Float32Array> {
  const rows = new Float32Array(batch * stages.length * classes);
  let current = images;
  for (const [exit, stage] of stages.entries()) {
    const output = await stage.run(current, batch);
    for (let image = 0; image < batch; image++) {
      const row = output.logits.subarray(image * classes, (image + 1) * classes);
      rows.set(row, (image * stages.length + exit) * classes);
    }
    current = output.cut ?? current;
  }
  return rows;
}

function refuseNonFinite(rows: Float32Array, batch: readonly Sample[], perImage: number): void {
  const place = rows.findIndex((value) => !Number.isFinite(value));
  if (place < 0) return;
  throw new UsageError(`${batch[Math.floor(place / perImage)]?.name}: the logits of an exit are not finite.`);
}
