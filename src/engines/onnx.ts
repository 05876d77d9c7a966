// The ONNX engine: onnxruntime on the CPU. `run` blocks the thread it is called on, so it belongs in a worker.
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { invariant } from '../errors.js';
import type { Engine } from './engine.js';

/** @returns an engine whose sessions compute on one thread: parallelism comes from having several workers. */
export function createOnnxEngine(): Engine {
  return {
    name: 'onnx',
    device: 'cpu',
    imageLayout: 'nchw',

    async load(source, image) {
      const session = await InferenceSession.create(source.graph, {
        executionProviders: ['cpu'],
        graphOptimizationLevel: 'all',
        executionMode: 'sequential',
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
      });
      const outputs = source.cut === undefined ? [source.logits] : [source.logits, source.cut];
      // Dimensions of one row, without the batch. A cut's are known once the segment before it has run,
      // and are read from the session's own description of its input.
      const rowShape = source.from === -1 ? [image.channels, image.height, image.width] : inputRowShape(session);

      return {
        async run(input, batch) {
          const tensor = new Tensor('float32', input, [batch, ...rowShape]);
          const results = await session.run({ [source.input]: tensor }, outputs);
          const logits = floats(results[source.logits]);
          return source.cut === undefined ? { logits } : { logits, cut: floats(results[source.cut]) };
        },
        release: () => session.release(),
      };
    },
  };
}

function inputRowShape(session: InferenceSession): number[] {
  const [input] = session.inputMetadata;
  invariant(input?.isTensor, 'a segment has exactly one input and it is a tensor');
  return input.shape.slice(1).map((size) => {
    invariant(typeof size === 'number', 'only the batch dimension of a cut may vary');
    return size;
  });
}

function floats(tensor: Tensor | undefined): Float32Array {
  invariant(tensor?.data instanceof Float32Array, 'every output of a segment is float32');
  return tensor.data;
}
