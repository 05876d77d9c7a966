// From the segments of a network, in ONNX, to one TensorFlow graph with an entry and exits for each of them.
// They share its nodes and weights: a segment that starts at a cut is the same graph, fed in its middle.
import { PackageError } from '../../foundation/errors.js';
import {
  constantTensor,
  tensorBooleans,
  tensorDimensions,
  tensorFloats,
  tensorIntegers,
} from '../../onnx/attributes.js';
import { BATCH, type Shape } from '../../onnx/dimensions.js';
import { type Graph, type GraphNode, readGraph } from '../../onnx/graph.js';
import { integerRules } from '../../onnx/shape-rules/integer-rules.js';
import { imageDimensions, inferShapes } from '../../onnx/shapes.js';
import type { NodeDef } from '../../protobuf/saved_model_pb.js';
import type { SegmentSource } from '../engine.js';
import { createGraphBuilder, type GraphBuilder } from './graph-def.js';
import { convolutionRules } from './operators/convolution.js';
import { layoutRules } from './operators/layout.js';
import { padRules } from './operators/pad.js';
import { poolingRules } from './operators/pooling.js';
import { productRules } from './operators/product.js';
import { type Constant, type OperatorRule, refuse, type Value } from './operators/rule.js';
import { selectionRules } from './operators/selection.js';
import { valueRules } from './operators/value.js';

const rules: ReadonlyMap<string, OperatorRule> = new Map(
  Object.entries({
    ...convolutionRules,
    ...poolingRules,
    ...padRules,
    ...valueRules,
    ...productRules,
    ...layoutRules,
    ...selectionRules,
  }),
);

/** A tensor of the TensorFlow graph that a segment takes or gives. */
export interface Endpoint {
  readonly node: string;
  /** Without the batch; images and the like are [height, width, channels]. */
  readonly shape: readonly number[];
}

export interface Signature {
  readonly input: Endpoint;
  readonly logits: Endpoint;
  readonly cut?: Endpoint;
}

export interface ConvertedNetwork {
  /** In order of execution, constants among them. */
  readonly nodes: readonly NodeDef[];
  /** In the order of the segments. */
  readonly signatures: readonly Signature[];
}

/**
 * @param sources segments of one network: a tensor's name means the same in all of them.
 * @throws PackageError that names every operator without a TensorFlow form, or the node that has none.
 */
export function convertSegments(sources: readonly SegmentSource[]): ConvertedNetwork {
  const cuts = new Set(sources.flatMap(({ cut }) => (cut === undefined ? [] : [cut])));
  const network = { build: createGraphBuilder(), values: new Map<string, Value>(), cuts };
  // In order of their ends, so that a cut is known before segments that start from it.
  const converted = new Map(
    sources.toSorted((a, b) => a.to - b.to).map((source) => [source, convertSegment(network, source)]),
  );
  return {
    nodes: network.build.nodes,
    signatures: sources.map((source) => converted.get(source) as Signature),
  };
}

/** What has been converted so far; `values` by their names in ONNX. */
interface Network {
  readonly build: GraphBuilder;
  readonly values: Map<string, Value>;
  readonly cuts: ReadonlySet<string>;
}

function convertSegment({ build, values, cuts }: Network, source: SegmentSource): Signature {
  const graph = readGraph(source.graph);
  checkOperators(graph);
  const { input, inputShape, logits, cut } = source;
  const outputs = cut === undefined ? [logits] : [logits, cut];
  const shapes = inferShapes(graph, { tensor: input, shape: inputShape }, outputs);
  if (!values.has(input)) {
    values.set(input, { node: build.placeholder(shapeHere(inputShape)), shape: [BATCH, ...inputShape] });
  }

  function tensor(name: string): Value {
    const known = values.get(name);
    if (known) return known;
    const node = graph.producers.get(name);
    if (!node) throw new PackageError(`model.onnx has no TensorFlow form: "${name}" is a constant.`);
    const shape = shapeOf(node, name);
    const rule = rules.get(node.operator) ?? refuse(node, 'computes a shape that is taken as a value');
    const output = node.outputs.indexOf(name);
    if (output > 0 && node.operator !== 'Split') refuse(node, 'gives a second output that is used');
    const made = rule({
      node,
      opset: graph.opset,
      build,
      output,
      shape,
      value: (index) => tensor(node.inputs[index] ?? refuse(node, `lacks its input ${index}`)),
      constant: (index) => constantOf(graph, node.inputs[index] ?? ''),
      repeated: (index) => repeatedRow(graph, shapes, node.inputs[index] ?? ''),
    });
    // Whatever comes after a cut must take it from this node: others are not computed where a segment starts here.
    const value = { node: cuts.has(name) ? build.add('Identity', [made]) : made, shape };
    values.set(name, value);
    return value;
  }
  function shapeOf(node: GraphNode, name: string): Shape {
    const shape = shapes.get(name) ?? [];
    if (shape.filter((extent) => typeof extent === 'string').length === 1 && !shape.includes(0)) return shape;
    return refuse(node, `makes "${name}", which does not hold values of each image of a batch`);
  }
  function endpoint(name: string): Endpoint {
    const { node } = tensor(name);
    return { node, shape: shapeHere(imageDimensions(shapes, name)) };
  }
  return {
    input: endpoint(input),
    logits: endpoint(logits),
    ...(cut !== undefined && { cut: endpoint(cut) }),
  };
}

function shapeHere(shape: readonly number[]): readonly number[] {
  const [channels, height, width] = shape as [number, number, number];
  return shape.length === 3 ? [height, width, channels] : shape;
}

/** Operators that compute shapes leave no trace: the shapes are known. */
function checkOperators({ nodes }: Graph): void {
  const unknown = nodes
    .filter(({ domain, operator }) => domain !== '' || !(rules.has(operator) || operator in integerRules))
    .map(({ domain, operator }) => (domain === '' ? operator : `${domain}.${operator}`));
  if (unknown.length === 0) return;
  const names = [...new Set(unknown)].sort().join(', ');
  throw new PackageError(`model.onnx has no TensorFlow form: there is none for ${names}.`);
}

function constantOf(graph: Graph, name: string): Constant | undefined {
  const producer = graph.producers.get(name);
  if (producer?.operator === 'Identity') return constantOf(graph, producer.inputs[0] ?? '');
  const tensor =
    producer?.operator === 'Constant' ? constantTensor(producer.proto) : graph.initializers.get(name);
  if (!tensor) return undefined;
  const values = tensorFloats(tensor) ?? tensorIntegers(tensor) ?? tensorBooleans(tensor);
  return values && { shape: tensorDimensions(tensor), values: Float32Array.from(values) };
}

/** What is repeated for every image by the Expand that makes a tensor; its axis of the batch has the extent 1. */
function repeatedRow(graph: Graph, shapes: ReadonlyMap<string, Shape>, name: string): Constant | undefined {
  const producer = graph.producers.get(name);
  if (producer?.operator !== 'Expand' || producer.domain !== '') return undefined;
  const row = constantOf(graph, producer.inputs[0] ?? '');
  const shape = shapes.get(name);
  if (!row || !shape) return undefined;
  const extents = [...new Array<number>(shape.length - row.shape.length).fill(1), ...row.shape];
  const repeats = shape.every((extent, axis) => typeof extent === 'number' || extents[axis] === 1);
  return repeats ? { shape: extents, values: row.values } : undefined;
}
