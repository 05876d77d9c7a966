// Exports whose batch is fixed to the example's: made to vary where only declarations and targets of Reshape say that number.
// Whether the network then runs with any batch is for the engine to show.
import { create } from '@bufbuild/protobuf';
import { constantTensor, tensorIntegers } from '../../onnx/attributes.js';
import { integers, withGraph } from '../../onnx/build.js';
import { batchFactor, type Shape, sizeOf } from '../../onnx/dimensions.js';
import { declaredType, readGraph } from '../../onnx/graph.js';
import { encodeModel } from '../../onnx/proto.js';
import { followShapes, type GraphImage } from '../../onnx/shapes.js';
import { type ModelProto, TensorProto_DataType, TensorProtoSchema } from '../../protobuf/onnx-ml_pb.js';

/** @returns the batch that the file fixes; undefined: it varies. */
export function fixedBatch({ graph }: ModelProto, image: string): number | undefined {
  const info = graph?.input.find(({ name }) => name === image);
  const first = (info && declaredType(info))?.shape?.dim[0]?.value;
  return first?.case === 'dimValue' && first.value > 0n ? Number(first.value) : undefined;
}

/** Lets the batch vary; the model is changed in place, and `notes` says so. @param batch that the file fixes */
export function freeBatch(model: ModelProto, image: GraphImage, batch: number, notes: string[]): void {
  const { graph } = model;
  if (!graph) return;
  graph.valueInfo = [];
  for (const info of [...graph.input, ...graph.output]) {
    const first = declaredType(info)?.shape?.dim[0];
    if (first?.value.case === 'dimValue') first.value = { case: 'dimParam', value: 'batch' };
  }
  // A target that is mended makes further shapes known.
  while (mendReshape(model, image, batch));
  notes.push(`The batch was fixed to ${batch} in the file; it varies now, as running the network has shown.`);
}

/** Mends the first Reshape to a constant target that fits the fixed batch only. @returns whether there was one */
function mendReshape(model: ModelProto, image: GraphImage, batch: number): boolean {
  const graph = readGraph(encodeModel(withoutWeights(model)));
  const { shapes: all } = followShapes(graph, image, [...graph.outputs.keys()]);
  for (const node of graph.nodes) {
    const [data = '', targetName = ''] = node.inputs;
    const shape = all.get(data);
    const maker = graph.producers.get(targetName);
    const target =
      graph.initializers.get(targetName) ??
      (maker?.operator === 'Constant' ? constantTensor(maker.proto) : undefined);
    if (node.operator !== 'Reshape' || !shape || !target) continue;
    const mended = mendedTarget(shape, tensorIntegers(target) ?? [], batch);
    if (!mended) continue;
    const name = `${node.outputs[0]}/target`;
    const proto = model.graph?.node.find(({ output }) => output[0] === node.outputs[0]);
    if (!proto) return false;
    proto.input = [data, name];
    model.graph?.initializer.push(integers(name, mended));
    return true;
  }
  return false;
}

/**
 * The target with -1 where the batch is, so that the values stay in their order for any batch.
 * @returns undefined if there is no such place, or the target has it there already.
 */
function mendedTarget(shape: Shape, target: readonly number[], batch: number): number[] | undefined {
  const axis = shape.findIndex((dimension) => batchFactor(dimension) !== undefined);
  const factor = batchFactor(shape[axis] ?? 0);
  if (factor === undefined) return undefined;
  const { factor: size } = sizeOf(shape);
  const copied = target.map((extent, i) =>
    extent === 0 ? (batchFactor(shape[i] ?? 0) ?? Number(shape[i])) : extent,
  );
  const fixed = copied.reduce((product, extent) => (extent === -1 ? product : product * extent), 1);
  const whole = copied.map((extent) => (extent === -1 ? (size * batch) / fixed : extent));
  const before = sizeOf(shape.slice(0, axis)).factor;
  const at = whole.findIndex(
    (_, i) => whole.slice(0, i).reduce((product, extent) => product * extent, 1) === before,
  );
  const isOwn = whole[at] === factor * batch;
  // Where the batch has no place of its own, it is joined with what is before it: what is behind is one image's.
  const place = isOwn || at === 0 ? at : at - 1;
  const isOpen = target[place] === -1 || target[place] === 0;
  if (at === -1 || isOpen || (whole[place] ?? 1) % batch !== 0) return undefined;
  return whole.map((extent, i) => (i === place ? -1 : extent));
}

/** As much of the model as shapes depend on. */
function withoutWeights(model: ModelProto): ModelProto {
  const initializer = (model.graph?.initializer ?? []).map((tensor) => {
    const { name, dims, dataType } = tensor;
    const isInteger = dataType === TensorProto_DataType.INT64 || dataType === TensorProto_DataType.INT32;
    return isInteger ? tensor : create(TensorProtoSchema, { name, dims, dataType });
  });
  return withGraph(model, { initializer });
}
