// Measures the engine time of every segment of a network. FLOPs do not tell it: a segment also costs a call of the
// engine, the copy of its cut, and a head that may use the processor badly.
import { createImageTensor } from '../cascade/image-tensor.js';
import type { Engine, Segment } from '../engines/engine.js';
import { invariant } from '../foundation/errors.js';
import { everySegment } from '../packages/every-segment.js';
import type { ModelPackage } from '../packages/package.js';
import { fastestOf } from './fastest.js';

/** Seconds of engine time for one image in a batch. @param from the exit that the segment starts from; -1: the image */
export type SegmentTimes = (from: number, to: number) => number;

/** As many images as the server takes together under load. */
const BATCH = 8;
const ROUNDS = { fewest: 7, most: 7, seconds: 0 };

/** @param pixels of at least one image, uint8 [height, width, channels]; they fill the batch in turn */
export async function measureSegments(
  engine: Engine,
  model: ModelPackage,
  pixels: readonly Uint8Array[],
): Promise<SegmentTimes> {
  const batch = Array.from({ length: BATCH }, (_, index) => pixels[index % pixels.length] as Uint8Array);
  const { exits, input } = model.manifest;
  const starts = new Map([[-1, createImageTensor(input, engine.imageLayout)(Buffer.concat(batch))]]);
  const seconds = new Map<string, number>();
  for await (const sources of everySegment(model)) {
    const segments = await engine.load(sources);
    try {
      for (const [index, { from, to }] of sources.entries()) {
        const segment = segments[index];
        const rows = starts.get(from);
        invariant(segment && rows, 'segments come in the order of their starts');
        const { fastest, cut } = await measure(segment, rows);
        seconds.set(`${from} ${to}`, fastest / BATCH);
        if (cut && from === -1) starts.set(to, cut);
      }
    } finally {
      await Promise.all(segments.map((segment) => segment.release()));
    }
  }
  return (from, to) => {
    const measured = seconds.get(`${from} ${to}`);
    invariant(measured !== undefined, `there is a segment from exit ${from} to ${to} of ${exits.length}`);
    return measured;
  };
}

async function measure(segment: Segment, rows: Float32Array) {
  const { cut } = await segment.run(rows, BATCH); // not counted: the engine prepares itself in the first call
  const [fastest = Number.NaN] = await fastestOf([() => segment.run(rows, BATCH)], ROUNDS);
  return { fastest, cut };
}
