// Rewrites what import would otherwise refuse in a network as an exporter wrote it. Each step is small and does not
// change the answers. If no step is needed, the bytes of the file stay the same.
import type { Engine } from '../../engines/engine.js';
import { messageOf, PackageError } from '../../foundation/errors.js';
import { withGraph } from '../../onnx/build.js';
import type { Shape } from '../../onnx/dimensions.js';
import { declaredType, readGraph } from '../../onnx/graph.js';
import { decodeModel, encodeModel } from '../../onnx/proto.js';
import { UnknownShape } from '../../onnx/shape-rules/rule.js';
import { followShapes, type GraphImage, imageDimensions } from '../../onnx/shapes.js';
import type { ModelProto } from '../../protobuf/onnx-ml_pb.js';
import type { ExitTensors } from '../cuts.js';
import { countFlops } from '../flops.js';
import { readMultiExitGraph } from '../multi-exit-graph.js';
import { similarNames } from '../suggestions.js';
import { cutsOf, type DescribedExit } from './described-exit.js';
import { FLOAT32 } from './element-types.js';
import { makeExitsFloat } from './float-exits.js';
import { hasOtherFloats, makeImageFloat } from './float-image.js';
import { fixedBatch, freeBatch } from './free-batch.js';
import { hasSeveralCuts, joinCuts } from './join-cuts.js';
import { measureShapes, writeShapes } from './measured-shapes.js';
import { simplifyGraph } from './simplify/simplify-graph.js';
import { takeOffSoftmax } from './softmax-exits.js';

export interface Described<Exit extends DescribedExit = DescribedExit> {
  readonly image: GraphImage;
  readonly classes: readonly string[];
  readonly exits: readonly Exit[];
  /** Whether the values of the input are from 0 to 1. */
  readonly isUnit: boolean;
}

export interface RewrittenExport<Exit extends DescribedExit> {
  readonly model: Uint8Array;
  /** With the names of their tensors in `model`. */
  readonly exits: readonly (Exit & ExitTensors)[];
  /** The changes, one sentence each. */
  readonly notes: readonly string[];
}

/** @throws PackageError if the network cannot be served, or if the engine cannot run it */
export async function rewriteExport<Exit extends DescribedExit>(
  engine: Engine,
  bytes: Uint8Array,
  described: Described<Exit>,
): Promise<RewrittenExport<Exit>> {
  const model = decodeModel(bytes);
  const notes: string[] = [];
  const batch = fixedBatch(model, described.image.tensor);
  if (engine.examine && freeBatch(model, described.image, batch, notes)) {
    await checkAnyBatch(engine, model, described.image, batch);
  }
  makeImageFloat(model, described.image.tensor, described.isUnit, notes);
  const withLogits = takeOffSoftmax(model, described.exits, notes);
  const inFloat = hasOtherFloats(model)
    ? await runnable(engine, () => makeExitsFloat(engine, model, withLogits, notes))
    : withLogits;
  const dimensionsOf = hasSeveralCuts(inFloat)
    ? await cutDimensions(engine, model, described.image, inFloat)
    : () => [];
  const exits = joinCuts(model, inFloat, dimensionsOf, notes);
  const { tensor, shape } = described.image;
  const kept = exits.flatMap(({ logits, cut }) => (cut === undefined ? [logits] : [logits, cut]));
  const simple = await runnable(engine, () => simplifyGraph(engine, model, described.image, kept, notes));
  const rewritten = notes.length === 0 ? bytes : encodeModel(simple);
  if (!engine.examine || tellsShapes(rewritten, simple, { ...described, exits })) {
    return { model: rewritten, exits, notes };
  }
  const measured = await runnable(engine, () => measureShapes(engine, simple, tensor, shape));
  writeShapes(simple, measured);
  return { model: encodeModel(simple), exits, notes };
}

/** @throws PackageError if the network runs only with the batch size that its file fixed */
async function checkAnyBatch(
  engine: Engine,
  model: ModelProto,
  image: GraphImage,
  batch: number | undefined,
): Promise<void> {
  // A network with an input of another type is measured later, when the input is float32.
  if (model.graph?.input.some((input) => declaredType(input)?.elemType !== FLOAT32)) return;
  try {
    await measureShapes(engine, model, image.tensor, image.shape);
  } catch (error) {
    throw new PackageError(
      `Input "${image.tensor}" of model.onnx has a fixed batch${batch === undefined ? '' : ` of ${batch}`}, ` +
        `and the network cannot be run with another batch: ${messageOf(error)}. ` +
        'Export the network with a dynamic batch, in PyTorch with dynamic_shapes and an example of two images.',
      { cause: error },
    );
  }
}

/** Whether the shape rules determine all needed shapes. Declarations by the exporter may be wrong and are ignored. */
function tellsShapes(
  bytes: Uint8Array,
  model: ModelProto,
  { image, classes, exits }: Omit<Described, 'exits'> & { readonly exits: readonly ExitTensors[] },
): boolean {
  const silent = model.graph?.valueInfo.length ? encodeModel(withGraph(model, { valueInfo: [] })) : bytes;
  try {
    countFlops(readMultiExitGraph(silent, image, classes, exits));
    return true;
  } catch (error) {
    if (error instanceof UnknownShape) return false;
    throw error;
  }
}

/** The dimensions of cuts: from the shape rules, or else measured. */
async function cutDimensions(
  engine: Engine,
  model: ModelProto,
  image: GraphImage,
  exits: readonly DescribedExit[],
): Promise<(tensor: string) => readonly number[]> {
  const cuts = exits.flatMap(cutsOf);
  const graph = readGraph(encodeModel(withGraph(model, { valueInfo: [] })));
  const missing = cuts.find((name) => !graph.producers.has(name));
  if (missing !== undefined) {
    throw new PackageError(
      `A cut has the tensor "${missing}", which no operator of model.onnx produces.` +
        similarNames(missing, graph.producers.keys()),
    );
  }
  const { shapes } = followShapes(graph, image, cuts);
  if (cuts.every((name) => shapes.has(name)) || !engine.examine)
    return (name) => imageDimensions(shapes, name);
  const measured = await runnable(engine, () => measureShapes(engine, model, image.tensor, image.shape));
  const described = new Map(
    [...measured].map(([name, { shape }]) => [name, shape.map((extent) => extent ?? 0) as Shape]),
  );
  return (name) => imageDimensions(described, name);
}

async function runnable<Result>(engine: Engine, task: () => Promise<Result>): Promise<Result> {
  try {
    return await task();
  } catch (error) {
    if (error instanceof PackageError) throw error;
    throw new PackageError(`The engine "${engine.name}" cannot run model.onnx: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
