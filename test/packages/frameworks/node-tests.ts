// Holds what import knows of operators against onnxruntime, on ONNX's own tests of them: the shapes that the rules give, or
// else that running shows, and the costs. usage: node node-tests.js FOLDER, which node_tests.py has filled. See run.sh.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import type { Engine } from '../../../src/engines/engine.js';
import { createEngine } from '../../../src/engines/onnx.js';
import { messageOf } from '../../../src/foundation/errors.js';
import { costRule } from '../../../src/network/cost-rules.js';
import { nodeFlops } from '../../../src/network/flops.js';
import { type Measured, measureShapes, writeShapes } from '../../../src/network/intake/measured-shapes.js';
import type { Shape } from '../../../src/onnx/dimensions.js';
import { type Graph, type GraphNode, readGraph } from '../../../src/onnx/graph.js';
import { decodeModel, encodeModel } from '../../../src/onnx/proto.js';
import { UnknownShape } from '../../../src/onnx/shape-rules/rule.js';
import { followShapes } from '../../../src/onnx/shapes.js';
import { countByOnes } from './count-by-ones.js';

/** Images, more than any test has. */
const MANY = 64;

const [folder = ''] = process.argv.slice(2);
const engine = createEngine();
const counts = { rules: 0, measured: 0, refused: 0, costs: 0, 'not run': 0 };
const failures: string[] = [];
/** FLOPs of attention, by the name of its test: the expanded form of each must cost as much. */
const attention = new Map<string, number>();
const expanded = new Map<string, number>();

const names = (await readdir(folder)).filter((file) => file.endsWith('.onnx')).sort();
assert.ok(names.length > 0, `${folder} holds no tests`);
for (const file of names) {
  try {
    await hold(file.replace(/\.onnx$/, ''), await readFile(join(folder, file)));
  } catch (error) {
    failures.push(`${file}: ${messageOf(error)}`);
  }
}
for (const [name, flops] of attention) {
  const other = expanded.get(name);
  if (other !== undefined && other !== flops) failures.push(`${name}: ${flops} FLOPs, expanded ${other}`);
}
for (const failure of failures) process.stdout.write(`FAILED ${failure}\n`);
process.stdout.write(
  `${names.length} of ONNX's node tests: shapes by rules ${counts.rules}, by running ${counts.measured}; refused because ` +
    `images mix ${counts.refused}; not run by onnxruntime with batches of two and three ${counts['not run']}; ` +
    `costs of ${counts.costs} operators\n`,
);
if (failures.length > 0) process.exitCode = 1;

async function hold(name: string, bytes: Uint8Array): Promise<void> {
  const model = decodeModel(bytes);
  const graph = readGraph(bytes);
  const [[tensor, declared] = ['', undefined]] = [...graph.inputs];
  const image = { tensor, shape: (declared?.shape ?? []).slice(1).map(Number) };
  const measured = await measureShapes(engine, model, tensor, image.shape).catch(() => undefined);
  if (!measured) {
    counts['not run']++;
    return;
  }
  const targets = [...graph.outputs.keys()];
  const { shapes, problems } = followShapes(graph, image, targets);
  compare(shapes, measured);
  const refusal = [...problems.values()].find((problem) => !(problem instanceof UnknownShape));
  if (refusal) {
    counts.refused++;
    assert.ok(await mixesImages(bytes, image, targets), `is refused without need: ${refusal.message}`);
    return;
  }
  if (problems.size === 0) {
    counts.rules++;
    await compareCosts(name, graph, shapes);
    return;
  }
  const open = [...measured.values()].some(({ shape }) => shape.includes(undefined));
  if (open) {
    counts['not run']++;
    return;
  }
  writeShapes(model, measured);
  const told = readGraph(encodeModel(model));
  const after = followShapes(told, image, targets);
  const problem = targets.map((target) => after.problems.get(target)).find((one) => one);
  assert.equal(problem?.message, undefined);
  compare(after.shapes, measured);
  counts.measured++;
  await compareCosts(name, told, after.shapes);
}

function compare(shapes: ReadonlyMap<string, Shape>, measured: ReadonlyMap<string, Measured>): void {
  for (const [tensor, { shape }] of measured) {
    const told = shapes.get(tensor);
    if (told) assert.deepEqual([...told], [...shape], `the shape of "${tensor}"`);
  }
}

/** Whether an image's answer depends on the image beside it, or outputs have not a row for each. */
async function mixesImages(
  bytes: Uint8Array,
  { tensor, shape }: { readonly tensor: string; readonly shape: readonly number[] },
  targets: readonly string[],
): Promise<boolean> {
  const size = shape.reduce((product, extent) => product * extent, 1);
  const values = (from: number, count: number) =>
    Float32Array.from({ length: size * count }, (_, i) => Math.sin(from * size + i + 1) + 1.5);
  const [alone, beside] = await withExamined(bytes, async (run) => [
    await run(tensor, values(0, 1), [1, ...shape]),
    await run(tensor, values(0, MANY), [MANY, ...shape]),
  ]);
  return targets.some((target) => {
    const [one, many] = [alone?.get(target) ?? [], beside?.get(target) ?? []];
    return (
      many.length !== MANY * one.length || one.some((value, i) => Math.abs(value - (many[i] ?? 0)) > 1e-5)
    );
  });
}

type Run = Awaited<ReturnType<NonNullable<Engine['examine']>>>['run'];

async function withExamined<Result>(bytes: Uint8Array, task: (run: Run) => Promise<Result>): Promise<Result> {
  const examined = await engine.examine?.(bytes);
  assert.ok(examined);
  try {
    return await task(examined.run);
  } finally {
    await examined.release();
  }
}

async function compareCosts(name: string, graph: Graph, shapes: ReadonlyMap<string, Shape>): Promise<void> {
  let total = 0;
  let isAttention = false;
  for (const node of graph.nodes) {
    if (!costRule(node)) continue;
    const counted = nodeFlops({ shapes }, node);
    total += counted;
    isAttention ||= node.operator === 'Attention';
    const macs = await countByOnes(node, dimensionsOf(graph, shapes, node));
    if (macs === undefined) continue;
    counts.costs++;
    assert.equal(counted, 2 * macs, `FLOPs of ${node.label}`);
  }
  if (isAttention) attention.set(name, total);
  else if (name.endsWith('_expanded')) expanded.set(name.replace(/_expanded$/, ''), total);
}

/** Of every input and of the first output, for one image. */
function dimensionsOf(graph: Graph, shapes: ReadonlyMap<string, Shape>, node: GraphNode) {
  const of = (tensor: string): number[] =>
    (shapes.get(tensor) ?? graph.initializers.get(tensor)?.dims ?? []).map((extent) =>
      typeof extent === 'string' ? Number(extent.split('*')[1] ?? 1) : Number(extent),
    );
  return { inputs: node.inputs.map(of), output: of(node.outputs[0] ?? '') };
}
