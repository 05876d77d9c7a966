// Computes tensors that do not depend on the image, and stores their values in the form of an ONNX file.
import { create } from '@bufbuild/protobuf';
import type { Engine } from '../../../engines/engine.js';
import { invariant } from '../../../foundation/errors.js';
import { untypedOutput, withGraph } from '../../../onnx/build.js';
import { encodeModel } from '../../../onnx/proto.js';
import type { GraphImage } from '../../../onnx/shapes.js';
import { type ModelProto, type TensorProto, TensorProtoSchema } from '../../../protobuf/onnx-ml_pb.js';
import { type Measured, noise, withExamined } from '../measured-shapes.js';

/**
 * @param names tensors that nodes of the model make
 * @returns their values for one image; a tensor that repeats a row for every image of a batch is stored as that row
 */
export async function storeTensors(
  engine: Engine,
  model: ModelProto,
  { tensor, shape }: GraphImage,
  names: readonly string[],
  measured: ReadonlyMap<string, Measured>,
): Promise<TensorProto[]> {
  if (names.length === 0) return [];
  const asked = encodeModel(withGraph(model, { output: names.map(untypedOutput), valueInfo: [] }));
  const dims = [1, ...shape];
  const values = await withExamined(engine, asked, ({ runRaw }) => runRaw(tensor, noise(dims), dims));
  return names.map((name) => {
    const [value, type] = [values.get(name), measured.get(name)?.elementType];
    invariant(value && type !== undefined, `"${name}" has been measured`);
    return create(TensorProtoSchema, {
      name,
      dims: value.dims.map(BigInt),
      dataType: type,
      rawData: Uint8Array.from(value.bytes),
    });
  });
}
