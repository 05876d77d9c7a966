// Runs an ONNX model in onnxruntime, without any of the engine's conveniences: the reference in tests.
import assert from 'node:assert/strict';
import { InferenceSession, Tensor } from 'onnxruntime-node';

export interface TensorValue {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

export async function runModel(
  model: Uint8Array,
  inputs: Readonly<Record<string, TensorValue>>,
): Promise<Record<string, TensorValue>> {
  const unshared = new Uint8Array(model); // it takes no shared memory
  const session = await InferenceSession.create(unshared, { intraOpNumThreads: 1, logSeverityLevel: 4 });
  try {
    const feeds = Object.entries(inputs).map(([name, { dims, data }]) => [
      name,
      new Tensor('float32', data, dims),
    ]);
    const results = await session.run(Object.fromEntries(feeds) as InferenceSession.FeedsType);
    return Object.fromEntries(
      Object.entries(results).map(([name, { dims, data }]) => {
        assert.ok(data instanceof Float32Array, `${name} is float32`);
        return [name, { dims, data }];
      }),
    );
  } finally {
    await session.release();
  }
}

/** The largest absolute difference of two rows of equal length. */
export function largestDifference(a: Float32Array, b: Float32Array): number {
  assert.equal(a.length, b.length);
  return a.reduce((worst, value, index) => Math.max(worst, Math.abs(value - (b[index] ?? Number.NaN))), 0);
}
