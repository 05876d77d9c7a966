// Measures the shapes of a network's tensors: an engine runs the network with two batch sizes and reports every shape.
// The shapes are written into the model, where shape inference finds them. Only operators without a rule need them.
import type { Engine } from '../../engines/engine.js';
import { operator, tensorInfo, untypedOutput, withGraph } from '../../onnx/build.js';
import { BATCH, timesBatch } from '../../onnx/dimensions.js';
import { encodeModel } from '../../onnx/proto.js';
import type { ModelProto, NodeProto } from '../../protobuf/onnx-ml_pb.js';
import { elementTypes } from './element-types.js';

const SIZES = [2, 3] as const;

/** Operators whose outputs are not tensors and have no shape. */
const NO_TENSOR = /^(Sequence|SplitToSequence|Optional)/;

/** Element type and dimensions of a tensor. An undefined dimension is neither fixed nor a multiple of the batch. */
export interface Measured {
  readonly elementType: number;
  readonly shape: readonly (number | string | undefined)[];
}

/**
 * @param imageShape shape of the graph input `image`, without the batch
 * @returns by name, every tensor that a node makes and that has a known type
 * @throws Error of the engine if it cannot run the model with both batch sizes
 */
export async function measureShapes(
  engine: Engine,
  model: ModelProto,
  image: string,
  imageShape: readonly number[],
): Promise<ReadonlyMap<string, Measured>> {
  const made = (model.graph?.node ?? [])
    .filter(({ opType }) => !NO_TENSOR.test(opType))
    .flatMap(({ output }) => output.filter((name) => name !== ''));
  const types = await withExamined(engine, withOutputs(model, [], made), async (examined) => examined.types);
  const shapeNames = made.map((_, index) => `rdi-serve/shape/${index}`);
  const shapeNodes = made.map((name, index) => operator('Shape', [name], shapeNames[index] as string));
  // The outputs are only shapes, so the engine need not keep the tensors in memory.
  const probing = withOutputs(model, shapeNodes, shapeNames);
  const [small, large] = await withExamined(engine, probing, async ({ run }) => {
    const results = [];
    for (const batch of SIZES)
      results.push(await run(image, noise([batch, ...imageShape]), [batch, ...imageShape]));
    return results as [Awaited<ReturnType<typeof run>>, Awaited<ReturnType<typeof run>>];
  });
  const measured = new Map<string, Measured>();
  made.forEach((name, index) => {
    const elementType = elementTypes.get(types.get(name) ?? '');
    const output = shapeNames[index] as string;
    const [a, b] = [small.get(output), large.get(output)];
    if (elementType === undefined || !a || !b || a.length !== b.length) return;
    measured.set(name, { elementType, shape: a.map((extent, axis) => dimensionOf(extent, b[axis] ?? 0)) });
  });
  return measured;
}

/** Replaces the tensor declarations inside the model by the measured shapes. */
export function writeShapes(model: ModelProto, measured: ReadonlyMap<string, Measured>): void {
  const { graph } = model;
  if (!graph) return;
  const infos = new Map(
    [...measured].map(([name, { elementType, shape }]) => [name, tensorInfo(name, elementType, shape)]),
  );
  graph.output = graph.output.map((output) => infos.get(output.name) ?? output);
  for (const { name } of graph.output) infos.delete(name);
  graph.valueInfo = [...infos.values()];
}

/** @param small with the smaller batch. @param large the same dimension with the larger batch */
function dimensionOf(small: number, large: number): number | string | undefined {
  if (small === large) return small;
  const factor = small / SIZES[0];
  if (!Number.isInteger(factor) || large !== factor * SIZES[1]) return undefined;
  return factor === 1 ? BATCH : timesBatch(factor);
}

function withOutputs(model: ModelProto, nodes: readonly NodeProto[], outputs: readonly string[]): Uint8Array {
  return encodeModel(
    withGraph(model, {
      node: [...(model.graph?.node ?? []), ...nodes],
      output: outputs.map(untypedOutput),
      valueInfo: [],
    }),
  );
}

/** Loads a model for one task. */
export async function withExamined<Result>(
  engine: Engine,
  model: Uint8Array,
  task: (examined: Awaited<ReturnType<NonNullable<Engine['examine']>>>) => Promise<Result>,
): Promise<Result> {
  if (!engine.examine) throw new Error('it does not report the shapes of tensors');
  const examined = await engine.examine(model);
  try {
    return await task(examined);
  } finally {
    await examined.release();
  }
}

/** Different values from 0 to 1, the range of pixels. */
export function noise(dims: readonly number[]): Float32Array {
  const count = dims.reduce((product, extent) => product * extent, 1);
  return Float32Array.from({ length: count }, (_, i) => ((i * 7919) % 256) / 255);
}
