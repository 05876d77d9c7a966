// The ONNX engine: onnxruntime on the CPU. `run` blocks the calling thread, so it must be called in a worker.
import './no-telemetry.js';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { invariant } from '../foundation/errors.js';
import type { Engine, Examined, RawTensor, Segment, SegmentSource } from './engine.js';

/** @returns an engine whose sessions use one thread each; several workers provide parallelism */
export function createEngine(): Engine {
  return {
    name: 'onnx',
    device: 'cpu',
    imageLayout: 'nchw',

    load: (sources) => Promise.all(sources.map(loadSegment)),
    examine,
  };
}

async function examine(model: Uint8Array): Promise<Examined> {
  const session = await InferenceSession.create(model, {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'disabled',
    enableCpuMemArena: false,
    // Nothing but fatal errors: all others are thrown, and callers report them.
    logSeverityLevel: 4,
  });
  const typed = session.outputMetadata.flatMap((one): [string, string][] =>
    one.isTensor ? [[one.name, one.type]] : [],
  );
  return {
    types: new Map(typed),
    async run(input, values, dims) {
      const results = await session.run({ [input]: new Tensor('float32', values, dims) });
      return new Map(Object.entries(results).map(([name, { data }]) => [name, Array.from(data, Number)]));
    },
    async runRaw(input, values, dims) {
      const results = await session.run({ [input]: new Tensor('float32', values, dims) });
      const raw = Object.entries(results).flatMap(([name, { dims: shape, data }]): [string, RawTensor][] => {
        if (!ArrayBuffer.isView(data)) return [];
        return [
          [name, { dims: shape, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) }],
        ];
      });
      return new Map(raw);
    },
    release: () => session.release(),
  };
}

async function loadSegment(source: SegmentSource): Promise<Segment> {
  // A copy, because onnxruntime does not accept shared memory.
  const session = await InferenceSession.create(new Uint8Array(source.graph), {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    // With an arena, every session would keep the memory of its largest batch. Without it, nothing is slower.
    enableCpuMemArena: false,
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    // Warnings are about what the optimiser leaves unused: nobody who reads them could do anything.
    logSeverityLevel: 3,
  });
  const outputs = source.cut === undefined ? [source.logits] : [source.logits, source.cut];

  return {
    async run(input, batch) {
      const tensor = new Tensor('float32', input, [batch, ...source.inputShape]);
      const results = await session.run({ [source.input]: tensor }, outputs);
      const logits = floats(results[source.logits]);
      return source.cut === undefined ? { logits } : { logits, cut: floats(results[source.cut]) };
    },
    release: () => session.release(),
  };
}

function floats(tensor: Tensor | undefined): Float32Array {
  invariant(tensor?.data instanceof Float32Array, 'every output of a segment is float32');
  return tensor.data;
}
