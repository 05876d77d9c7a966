// Writes the nodes of a simplified graph: without those that compute known tensors, and without those that change nothing.
import { create } from '@bufbuild/protobuf';
import { integers, operator } from '../../../onnx/build.js';
import { BATCH } from '../../../onnx/dimensions.js';
import type { Graph, GraphNode } from '../../../onnx/graph.js';
import { type NodeProto, NodeProtoSchema, type TensorProto } from '../../../protobuf/onnx-ml_pb.js';
import type { Measured } from '../measured-shapes.js';
import { isElementwise, type KnownTensors, onlyBatchAxis } from './known-tensors.js';

export interface Plan {
  readonly graph: Graph;
  /** Measured, of the image and of the tensors that nodes make. */
  readonly shapes: ReadonlyMap<string, Measured>;
  /** Name of the graph input. */
  readonly image: string;
  /** Tensors that keep their names and their nodes. */
  readonly kept: ReadonlySet<string>;
  readonly known: KnownTensors;
  /** Gather nodes that take every value in order. */
  readonly ordered: ReadonlySet<GraphNode>;
}

export interface RewrittenNodes {
  readonly nodes: readonly NodeProto[];
  readonly initializers: readonly TensorProto[];
  /** Known tensors that the nodes take, and that must be stored. */
  readonly wanted: readonly string[];
}

/** Prefix of the names that are made here. */
const PREFIX = 'rdi-serve/known/';
const ROWS = `${PREFIX}batch`;

/** @returns undefined if nothing can be simplified */
export function rewriteNodes(plan: Plan): RewrittenNodes | undefined {
  const { graph, known, kept } = plan;
  const state: State = { nodes: [], initializers: new Map(), wanted: new Set(), replaced: new Map() };
  for (const node of graph.nodes) {
    const isKnown = node.outputs.every(
      (name) => name === '' || known.fixed.has(name) || known.repeated.has(name),
    );
    if (isKnown && !node.outputs.some((name) => kept.has(name))) continue;
    rewriteNode(plan, state, node);
  }
  const nodes = reachable(state.nodes, kept);
  const before = graph.nodes.map(({ proto }) => proto);
  if (nodes.length === reachable(before, kept).length && state.replaced.size === 0) return undefined;
  const taken = new Set(nodes.flatMap(({ input }) => input));
  return {
    nodes,
    initializers: [...graph.initializers, ...state.initializers].flatMap(([name, tensor]) =>
      taken.has(name) ? [tensor] : [],
    ),
    wanted: [...state.wanted].filter((name) => taken.has(name)),
  };
}

interface State {
  readonly nodes: NodeProto[];
  readonly initializers: Map<string, TensorProto>;
  readonly wanted: Set<string>;
  /** By tensor: the tensor with the same values that takes its place. */
  readonly replaced: Map<string, string>;
}

function rewriteNode(plan: Plan, state: State, node: GraphNode): void {
  const { shapes, kept } = plan;
  const [output = ''] = node.outputs;
  const shape = shapes.get(output)?.shape;
  const [first = ''] = node.inputs;
  if (changesNothing(plan, node) && !plan.known.repeated.has(first)) {
    const source = inputOf(plan, state, node, 0);
    if (kept.has(output)) state.nodes.push(operator('Identity', [source], output));
    else state.replaced.set(output, source);
    return;
  }
  const input = node.inputs.map((_, index) => inputOf(plan, state, node, index));
  const plain = node.domain === '' ? node.operator : '';
  const target = shape && reshapeTarget(shape);
  if (target && (plain === 'Reshape' || plan.ordered.has(node))) {
    const source = unshaped(plan, state, input[0] ?? '');
    state.nodes.push(operator('Reshape', [source, listed(state, target)], output));
    return;
  }
  if (plain === 'Expand' && shape && onlyBatchAxis(shape) !== undefined) {
    input[1] = batchTarget(plan, state, shape);
  }
  state.nodes.push(Object.assign(create(NodeProtoSchema), node.proto, { input }));
}

/** Whether the first output of a node has the values, the shape and the type of its first input. */
function changesNothing(
  { shapes }: Plan,
  { domain, operator: kind, inputs: [input = ''], outputs }: GraphNode,
): boolean {
  if (domain !== '' || outputs.length !== 1) return false;
  const [before, after] = [shapes.get(input), shapes.get(outputs[0] ?? '')];
  if (kind === 'Identity') return true;
  if (!before || !after) return false;
  if (kind === 'Cast') return before.elementType === after.elementType;
  const isSameShape =
    before.shape.length === after.shape.length &&
    before.shape.every((extent, axis) => extent !== undefined && extent === after.shape[axis]);
  return kind === 'Expand' && isSameShape;
}

/** The name by which the rewritten node takes an input. */
function inputOf(plan: Plan, state: State, node: GraphNode, index: number): string {
  const { known, graph } = plan;
  const given = node.inputs[index] ?? '';
  const name = state.replaced.get(given) ?? given;
  if (name === '' || graph.initializers.has(name)) return name;
  if (known.fixed.has(name)) state.wanted.add(name);
  const axis = known.repeated.get(name);
  if (axis === undefined) return name;
  state.wanted.add(name);
  return broadcastsAlong(plan, node, name, axis) ? name : repeatedFor(plan, state, name);
}

/** Whether another input of the node has the batch where `name` repeats its row, so that the row alone is enough. */
function broadcastsAlong({ known, shapes }: Plan, node: GraphNode, name: string, axis: number): boolean {
  const fromEnd = (shapes.get(name)?.shape.length ?? 0) - axis;
  return (
    isElementwise(node) &&
    node.inputs.some((other) => {
      const shape = shapes.get(other)?.shape;
      return shape?.[shape.length - fromEnd] === BATCH && !known.repeated.has(other);
    })
  );
}

/** The tensor that repeats a stored row for every image. */
function repeatedFor(plan: Plan, state: State, name: string): string {
  const repeated = `${PREFIX}${name}`;
  const shape = plan.shapes.get(name)?.shape ?? [];
  if (!state.nodes.some(({ output }) => output[0] === repeated)) {
    state.nodes.push(operator('Expand', [name, batchTarget(plan, state, shape)], repeated));
  }
  return repeated;
}

/** A tensor with the extents of a shape that has the batch as one of its axes. */
function batchTarget(plan: Plan, state: State, shape: Measured['shape']): string {
  const target = `${PREFIX}shape/${shape.join(',')}`;
  const isMade = (name: string) => state.nodes.some(({ output }) => output[0] === name);
  if (!isMade(ROWS)) {
    state.nodes.push(
      operator('Shape', [plan.image], `${PREFIX}image`),
      operator('Gather', [`${PREFIX}image`, listed(state, [0])], ROWS),
    );
  }
  if (!isMade(target)) {
    const parts = shape.map((extent) => (typeof extent === 'number' ? listed(state, [extent]) : ROWS));
    state.nodes.push(operator('Concat', parts, target, { axis: 0 }));
  }
  return target;
}

/** The target of a Reshape to a shape with one axis that depends on the batch; undefined: it has none, or several. */
function reshapeTarget(shape: Measured['shape']): number[] | undefined {
  const open = shape.filter((extent) => typeof extent !== 'number');
  if (open.length !== 1 || shape.includes(0)) return undefined;
  return shape.map((extent) => (typeof extent === 'number' ? extent : -1));
}

/** The tensor with the same values before the last Reshape, whose shape does not matter if another Reshape follows. */
function unshaped({ kept }: Plan, { nodes }: State, tensor: string): string {
  const maker = kept.has(tensor) ? undefined : nodes.find(({ output }) => output[0] === tensor);
  return maker?.opType === 'Reshape' && maker.domain === '' ? (maker.input[0] ?? tensor) : tensor;
}

/** The name of a stored list of integers. */
function listed({ initializers }: State, values: readonly number[]): string {
  const name = `${PREFIX}list/${values.join(',')}`;
  initializers.set(name, integers(name, values));
  return name;
}

/** The nodes that some tensors are computed from, in order. */
function reachable(nodes: readonly NodeProto[], targets: Iterable<string>): NodeProto[] {
  const wanted = new Set(targets);
  const found = nodes.toReversed().filter(({ input, output }) => {
    if (!output.some((name) => name !== '' && wanted.has(name))) return false;
    for (const name of input) wanted.add(name);
    return true;
  });
  return found.reverse();
}
