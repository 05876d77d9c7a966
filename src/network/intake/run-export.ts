// Runs a file as its exporter wrote it, on single images, to compare a package with it.
import type { Engine } from '../../engines/engine.js';
import { decodeModel } from '../../onnx/proto.js';
import type { GraphImage } from '../../onnx/shapes.js';
import { fixedBatch } from './free-batch.js';

/**
 * @param rows one per image, of the shape of `image`
 * @param outputs must be float32
 * @returns for each image the values of every output. A file that fixes its batch gets as many copies of the image, and
 *   its outputs have the values of all of them.
 * @throws Error if the engine cannot run the file, which may take or give another type than float32
 */
export async function runExport(
  engine: Engine,
  file: Uint8Array,
  image: GraphImage,
  rows: readonly Float32Array[],
  outputs: readonly string[],
): Promise<ReadonlyMap<string, readonly number[]>[]> {
  if (!engine.examine) throw new Error(`the engine "${engine.name}" runs no whole files`);
  const batch = fixedBatch(decodeModel(file), image.tensor) ?? 1;
  const examined = await engine.examine(file);
  try {
    const other = outputs.find((name) => examined.types.get(name) !== 'float32');
    if (other !== undefined)
      throw new Error(`its output "${other}" is ${examined.types.get(other)}, not float32`);
    const answers = [];
    for (const row of rows) {
      const copies = new Float32Array(batch * row.length);
      for (let copy = 0; copy < batch; copy++) copies.set(row, copy * row.length);
      answers.push(await examined.run(image.tensor, copies, [batch, ...image.shape]));
    }
    return answers;
  } finally {
    await examined.release();
  }
}
