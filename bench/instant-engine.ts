// An engine that takes almost no time, for main-thread.ts. It runs onnxruntime for the self-check of a worker and for
// the first batch of each size. It then repeats that result for all batches of this size, so its answers are wrong.
import type { Engine, Segment, SegmentOutput } from '../src/engines/engine.js';
import { createEngine as createOnnxEngine } from '../src/engines/onnx.js';

/** Number of calls that self-check.ts makes of each segment. */
const CHECKS = 2;

export function createEngine(): Engine {
  const onnx = createOnnxEngine();
  return { ...onnx, load: async (sources) => (await onnx.load(sources)).map(answerFromMemory) };
}

function answerFromMemory(segment: Segment): Segment {
  const memory = new Map<number, SegmentOutput>();
  let calls = 0;
  return {
    async run(rows, batch) {
      const known = memory.get(batch) ?? (await segment.run(rows, batch));
      if (++calls > CHECKS) memory.set(batch, known);
      return known;
    },
    release: () => segment.release(),
  };
}
