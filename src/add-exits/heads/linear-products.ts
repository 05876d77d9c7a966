// Products of large matrices, computed by the engine: a matrix product is a network of one operator, and no library of
// JavaScript comes near its speed.
import { create } from '@bufbuild/protobuf';
import type { Engine } from '../../engines/engine.js';
import { invariant } from '../../foundation/errors.js';
import { FLOAT32 } from '../../network/intake/element-types.js';
import { floats, integers, operator, tensorInfo } from '../../onnx/build.js';
import { BATCH } from '../../onnx/dimensions.js';
import { encodeModel } from '../../onnx/proto.js';
import { type GraphProto, GraphProtoSchema } from '../../protobuf/onnx-ml_pb.js';
import type { LinearHead } from './exit-graph.js';

/** Rows of one engine call: their sum is taken in float32, that of all calls in float64. */
const ROWS = 1024;

/** Row-major [rows, width]. */
export interface Rows {
  readonly values: Float32Array;
  readonly width: number;
}

export function rowsBetween({ values, width }: Rows, from: number, to: number): Rows {
  return { values: values.subarray(from * width, to * width), width };
}

/** @returns AᵀA, [width, width] row-major, the same for the same rows on the same machine. */
export function gram(engine: Engine, { values, width }: Rows): Promise<Float64Array> {
  const graph = {
    node: [
      operator('Transpose', ['rows'], 'columns', { perm: [1, 0] }),
      operator('MatMul', ['columns', 'rows'], 'product'),
    ],
    output: [tensorInfo('product', FLOAT32, [width, width])],
  };
  return summed(engine, graph, { values, width }, 'product', width * width);
}

/**
 * The gradient of the mean cross entropy between the softmax of the targets and that of the head's logits.
 * @param rows features, then the targets: `classes` logits
 * @param head [features + 1, classes]; the last row is added to the logits
 * @returns of the head's shape
 */
export async function crossEntropyGradient(
  engine: Engine,
  rows: Rows,
  head: Float64Array,
  classes: number,
): Promise<Float64Array> {
  const features = rows.width - classes;
  const images = rows.values.length / rows.width;
  const weights = Float32Array.from(head);
  const graph = {
    node: [
      operator('Slice', ['rows', 'zero', 'features', 'one'], 'x'),
      operator('Slice', ['rows', 'features', 'end', 'one'], 'targets'),
      operator('Gemm', ['x', 'weight', 'bias'], 'logits'),
      operator('Softmax', ['logits'], 'answers', { axis: 1 }),
      operator('Softmax', ['targets'], 'wanted', { axis: 1 }),
      operator('Sub', ['answers', 'wanted'], 'residuals'),
      operator('Transpose', ['x'], 'columns', { perm: [1, 0] }),
      operator('MatMul', ['columns', 'residuals'], 'of-weight'),
      operator('ReduceSum', ['residuals', 'zero'], 'of-bias', { keepdims: 1 }),
      operator('Concat', ['of-weight', 'of-bias'], 'gradient', { axis: 0 }),
    ],
    initializer: [
      integers('zero', [0]),
      integers('one', [1]),
      integers('features', [features]),
      integers('end', [rows.width]),
      floats('weight', [features, classes], weights.subarray(0, features * classes)),
      floats('bias', [classes], weights.subarray(features * classes)),
    ],
    output: [tensorInfo('gradient', FLOAT32, [features + 1, classes])],
  };
  const sum = await summed(engine, graph, rows, 'gradient', head.length);
  return sum.map((value) => value / images);
}

/** Runs a graph whose output, of `size` numbers, is a sum over its rows. @returns the sum over all rows */
async function summed(
  engine: Engine,
  graph: Partial<GraphProto>,
  rows: Rows,
  output: string,
  size: number,
): Promise<Float64Array> {
  const sum = new Float64Array(size);
  await inParts(engine, graph, rows, output, (part) => {
    for (let place = 0; place < size; place++) {
      sum[place] = (sum[place] as number) + (part[place] as number);
    }
  });
  return sum;
}

/** @returns the logits of every row, [rows, classes]. */
export function applyHead(engine: Engine, rows: Rows, { weight, bias }: LinearHead): Promise<Float32Array> {
  const classes = bias.length;
  return perRow(engine, rows, classes, {
    node: [operator('Gemm', ['rows', 'weight', 'bias'], 'result', { transB: 1 })],
    initializer: [floats('weight', [classes, rows.width], weight), floats('bias', [classes], bias)],
  });
}

/** @param right [rows.width, columns]. @returns rows · right, [rows, columns] */
export function product(
  engine: Engine,
  rows: Rows,
  right: ArrayLike<number>,
  columns: number,
): Promise<Float32Array> {
  return perRow(engine, rows, columns, {
    node: [operator('MatMul', ['rows', 'right'], 'result')],
    initializer: [floats('right', [rows.width, columns], Float32Array.from(right))],
  });
}

/** Runs a graph from `rows` to `result`, which has as many rows, of `columns` numbers. */
async function perRow(
  engine: Engine,
  rows: Rows,
  columns: number,
  graph: Partial<GraphProto>,
): Promise<Float32Array> {
  const result = new Float32Array((rows.values.length / rows.width) * columns);
  const output = [tensorInfo('result', FLOAT32, [BATCH, columns])];
  let place = 0;
  await inParts(engine, { ...graph, output }, rows, 'result', (part) => {
    result.set(part, place);
    place += part.length;
  });
  return result;
}

async function inParts(
  engine: Engine,
  graph: Partial<GraphProto>,
  { values, width }: Rows,
  output: string,
  take: (part: Float32Array) => void,
): Promise<void> {
  const input = [tensorInfo('rows', FLOAT32, [BATCH, width])];
  const model = encodeModel({
    irVersion: 8n,
    opsetImport: [{ domain: '', version: 17n }],
    graph: Object.assign(create(GraphProtoSchema, { name: output }), { input, ...graph }),
  });
  const source = { from: -1, to: 0, input: 'rows', inputShape: [width], logits: output, graph: model };
  const [segment] = await engine.load([source]);
  invariant(segment, 'an engine loads as many segments as it is given');
  try {
    for (let start = 0; start < values.length; start += ROWS * width) {
      const part = values.subarray(start, start + ROWS * width);
      take((await segment.run(part, part.length / width)).logits);
    }
  } finally {
    await segment.release();
  }
}
