// Simplifies a graph as exporters write it. What is the same for every image becomes a stored tensor, and operators that
// change nothing disappear. onnxruntime answers as before; other engines then need fewer operators.
// Related: known-tensors.ts and counting-indices.ts, which find what can be replaced.
import type { Engine } from '../../../engines/engine.js';
import { messageOf } from '../../../foundation/errors.js';
import { untypedOutput, withGraph } from '../../../onnx/build.js';
import { BATCH } from '../../../onnx/dimensions.js';
import { readGraph } from '../../../onnx/graph.js';
import { variableTensors } from '../../../onnx/graph-walk.js';
import { encodeModel } from '../../../onnx/proto.js';
import { followShapes, type GraphImage } from '../../../onnx/shapes.js';
import type { ModelProto } from '../../../protobuf/onnx-ml_pb.js';
import { FLOAT32 } from '../element-types.js';
import { measureShapes, noise, withExamined, writeShapes } from '../measured-shapes.js';
import { findOrderedGathers } from './counting-indices.js';
import { findKnownTensors } from './known-tensors.js';
import { rewriteNodes } from './rewrite-nodes.js';
import { storeTensors } from './store-tensors.js';

/** Batch sizes with which the simplified graph must answer as before; others than those that were measured. */
const CHECKED = [1, 4] as const;
const TOLERANCE = 1e-5;

/**
 * @param kept tensors that keep their names: logits and cuts
 * @param notes a note is added if the graph is simplified, or if it cannot be although there is something to simplify
 * @returns the model itself if nothing can be simplified
 * @throws Error of the engine if it cannot run the model
 */
export async function simplifyGraph(
  engine: Engine,
  model: ModelProto,
  image: GraphImage,
  kept: readonly string[],
  notes: string[],
): Promise<ModelProto> {
  if (!engine.examine || !mayBeSimpler(model)) return model;
  const measured = await measureShapes(engine, model, image.tensor, image.shape);
  const told = withGraph(model, {});
  writeShapes(told, measured);
  const graph = readGraph(encodeModel(told));
  const { integers } = followShapes(graph, image, kept);
  const isConstant = (tensor: string) =>
    integers.get(tensor)?.every((value) => typeof value === 'number') ?? false;
  const given = { elementType: FLOAT32, shape: [BATCH, ...image.shape] };
  const shapes = new Map([...measured, [image.tensor, given]]);
  const plan = {
    graph,
    shapes,
    image: image.tensor,
    kept: new Set([...kept, ...graph.outputs.keys()]),
    known: findKnownTensors(graph, isConstant, shapes),
    ordered: findOrderedGathers(graph, shapes),
  };
  const rewritten = rewriteNodes(plan);
  if (!rewritten) return model;
  const stored = await storeTensors(engine, model, image, rewritten.wanted, measured);
  const simplified = withGraph(model, {
    node: [...rewritten.nodes],
    initializer: [...rewritten.initializers, ...stored],
    valueInfo: [],
  });
  try {
    await checkAnswers(engine, model, simplified, image, kept);
    notes.push(
      `The graph was simplified from ${graph.nodes.length} operators to ${rewritten.nodes.length}: ` +
        'what is the same for every image is stored, and what changes nothing is left out. The answers are the same.',
    );
    return simplified;
  } catch (error) {
    notes.push(`The graph was not simplified, because its answers would have changed: ${messageOf(error)}.`);
    return model;
  }
}

/** Whether a graph computes anything that does not depend on the image, or has conversions, which may be superfluous. */
function mayBeSimpler(model: ModelProto): boolean {
  const graph = readGraph(encodeModel(model));
  const variable = variableTensors(graph);
  return graph.nodes.some(
    ({ operator, outputs }) =>
      operator === 'Cast' || (operator !== 'Constant' && !outputs.some((name) => variable.has(name))),
  );
}

/** @throws Error if an output differs for any checked batch size, or if the engine cannot run the simplified graph */
async function checkAnswers(
  engine: Engine,
  before: ModelProto,
  after: ModelProto,
  { tensor, shape }: GraphImage,
  outputs: readonly string[],
): Promise<void> {
  const answersOf = (model: ModelProto) => {
    const output = outputs.map(untypedOutput);
    return withExamined(engine, encodeModel(withGraph(model, { output, valueInfo: [] })), async ({ run }) => {
      const answers = [];
      for (const batch of CHECKED) {
        const dims = [batch, ...shape];
        answers.push(await run(tensor, noise(dims), dims));
      }
      return answers;
    });
  };
  const [expected, found] = [await answersOf(before), await answersOf(after)];
  for (const [index, answers] of expected.entries()) {
    for (const [name, values] of answers) {
      const other = found[index]?.get(name);
      const isSame = other?.length === values.length && values.every((value, i) => isClose(value, other[i]));
      if (!isSame) throw new Error(`"${name}" differs with a batch of ${CHECKED[index]}`);
    }
  }
}

function isClose(a: number, b = Number.NaN): boolean {
  return Object.is(a, b) || Math.abs(a - b) <= TOLERANCE * Math.max(1, Math.abs(a));
}
