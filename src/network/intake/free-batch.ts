// Makes the batch dynamic in an export that fixes it to the batch of the example input. Only declarations and targets
// of Reshape are changed. If the example was a single image, PyTorch's exporter fixes some targets although it declares
// a dynamic batch. Afterwards, the engine must show that the network runs with other batch sizes.
import { create } from '@bufbuild/protobuf';
import { constantTensor, tensorIntegers } from '../../onnx/attributes.js';
import { integers, withGraph } from '../../onnx/build.js';
import { batchFactor, type Shape, sizeOf } from '../../onnx/dimensions.js';
import { declaredType, readGraph } from '../../onnx/graph.js';
import { encodeModel } from '../../onnx/proto.js';
import { followShapes, type GraphImage } from '../../onnx/shapes.js';
import { type ModelProto, TensorProto_DataType, TensorProtoSchema } from '../../protobuf/onnx-ml_pb.js';

/** @returns the batch size that the file fixes; undefined if the batch is dynamic */
export function fixedBatch({ graph }: ModelProto, image: string): number | undefined {
  const info = graph?.input.find(({ name }) => name === image);
  const first = (info && declaredType(info))?.shape?.dim[0]?.value;
  return first?.case === 'dimValue' && first.value > 0n ? Number(first.value) : undefined;
}

/**
 * Makes the batch dynamic: changes the model in place, and adds a note.
 * @param batch size that the file fixes; undefined if its input has a dynamic batch
 * @returns whether anything was changed
 */
export function freeBatch(
  model: ModelProto,
  image: GraphImage,
  batch: number | undefined,
  notes: string[],
): boolean {
  const { graph } = model;
  if (!graph || (batch === undefined && !mendReshape(model, image, batch))) return false;
  graph.valueInfo = [];
  for (const info of [...graph.input, ...graph.output]) {
    const first = declaredType(info)?.shape?.dim[0];
    if (first?.value.case === 'dimValue') first.value = { case: 'dimParam', value: 'batch' };
  }
  // Each changed target makes further shapes known.
  while (mendReshape(model, image, batch));
  const fixed =
    batch === undefined ? 'Parts of the network fix the batch' : `The file fixes the batch to ${batch}`;
  notes.push(`${fixed}; it is dynamic now, and the network was run with other sizes.`);
  return true;
}

/** Changes the first Reshape whose constant target fits only a fixed batch. @returns whether there was one */
function mendReshape(model: ModelProto, image: GraphImage, batch: number | undefined): boolean {
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
    const extents = tensorIntegers(target) ?? [];
    const mended = mendedTarget(shape, extents, batch ?? batchOf(shape, extents));
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

/** The only batch size that a target fits; 0 if the target leaves an axis open, or fits no batch size. */
function batchOf(shape: Shape, target: readonly number[]): number {
  const batch = target.reduce((product, extent) => product * extent, 1) / sizeOf(shape).factor;
  return target.every((extent) => extent > 0) && Number.isInteger(batch) ? batch : 0;
}

/**
 * The target with -1 at the axis of the batch, so that the order of the values stays the same for every batch size.
 * @returns undefined if there is no such axis, or if the target does not fix it
 */
function mendedTarget(shape: Shape, target: readonly number[], batch: number): number[] | undefined {
  const axis = shape.findIndex((dimension) => batchFactor(dimension) !== undefined);
  const factor = batchFactor(shape[axis] ?? 0);
  if (factor === undefined || batch === 0) return undefined;
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
  // If the batch has no axis of its own, it is merged with the axis before: the axes after it belong to one image.
  const place = isOwn || at === 0 ? at : at - 1;
  const isOpen = target[place] === -1 || target[place] === 0;
  if (at === -1 || isOpen || (whole[place] ?? 1) % batch !== 0) return undefined;
  return whole.map((extent, i) => (i === place ? -1 : extent));
}

/** The model without the values on which no shape depends. */
function withoutWeights(model: ModelProto): ModelProto {
  const initializer = (model.graph?.initializer ?? []).map((tensor) => {
    const { name, dims, dataType } = tensor;
    const isInteger = dataType === TensorProto_DataType.INT64 || dataType === TensorProto_DataType.INT32;
    return isInteger ? tensor : create(TensorProtoSchema, { name, dims, dataType });
  });
  return withGraph(model, { initializer });
}
