// Makes the batch dynamic in an export that fixes it to the batch of the example input. Declarations and targets of
// Reshape are changed, and what is joined with images, such as a class token, is repeated for each of them. If the
// example was a single image, PyTorch's exporter fixes some targets although it declares a dynamic batch. Afterwards, the
// engine must show that the network runs with other batch sizes.
import { create } from '@bufbuild/protobuf';
import { constantTensor, intAttribute, tensorIntegers } from '../../onnx/attributes.js';
import { integers, operator, withGraph } from '../../onnx/build.js';
import { BATCH, batchFactor, type Shape, sizeOf } from '../../onnx/dimensions.js';
import { declaredType, readGraph } from '../../onnx/graph.js';
import { encodeModel } from '../../onnx/proto.js';
import { followShapes, type GraphImage } from '../../onnx/shapes.js';
import {
  type ModelProto,
  type NodeProto,
  TensorProto_DataType,
  TensorProtoSchema,
} from '../../protobuf/onnx-ml_pb.js';

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
  const mend = () => mendReshape(model, image, batch) || mendConcat(model, image, batch);
  if (!graph || (batch === undefined && !mend())) return false;
  graph.valueInfo = [];
  for (const info of [...graph.input, ...graph.output]) {
    const first = declaredType(info)?.shape?.dim[0];
    if (first?.value.case === 'dimValue') first.value = { case: 'dimParam', value: 'batch' };
  }
  // Each change makes further shapes known.
  while (mend());
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

/**
 * Repeats an input of the first Concat that joins it with images, if it has as many rows as the file fixes, or a single one.
 * Exporters store a class token so for an example of one image. Returns whether there was one.
 */
function mendConcat(model: ModelProto, image: GraphImage, batch: number | undefined): boolean {
  const graph = readGraph(encodeModel(withoutWeights(model)));
  const { shapes } = followShapes(graph, image, [...graph.outputs.keys()]);
  for (const node of graph.nodes) {
    const known = node.inputs.map((name) => shapes.get(name));
    const axis = intAttribute(node.proto, 'axis') ?? 0;
    const isAlongBatch = axis === 0 || axis === -(known[0]?.length ?? 0);
    if (node.operator !== 'Concat' || isAlongBatch || !known.some((shape) => shape?.[0] === BATCH)) continue;
    const index = known.findIndex((shape) => shape?.[0] === 1 || (shape && shape[0] === batch));
    const [, ...rest] = known[index] ?? [];
    const proto = model.graph?.node.find(({ output }) => output[0] === node.outputs[0]);
    if (index === -1 || !proto || !rest.every((extent) => typeof extent === 'number')) continue;
    const name = node.inputs[index] ?? '';
    const maker = graph.producers.get(name);
    const row = maker?.operator === 'Expand' ? (maker.inputs[0] ?? '') : name;
    proto.input[index] = repeated(model, proto, image.tensor, row, rest, `${node.outputs[0]}/${index}`);
    return true;
  }
  return false;
}

/** Inserts nodes before `proto` that repeat `row` for each image. @returns the tensor that they make */
function repeated(
  { graph }: ModelProto,
  proto: NodeProto,
  image: string,
  row: string,
  rest: readonly number[],
  name: string,
): string {
  const part = (what: string) => `${name}/${what}`;
  graph?.initializer.push(integers(part('first'), [0]), integers(part('rest'), rest));
  graph?.node.splice(
    graph.node.indexOf(proto),
    0,
    operator('Shape', [image], part('shape')),
    operator('Gather', [part('shape'), part('first')], part('rows')),
    operator('Concat', [part('rows'), part('rest')], part('target'), { axis: 0 }),
    operator('Expand', [row, part('target')], part('repeated')),
  );
  return part('repeated');
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
