// Cuts of several tensors, such as the scales of an MSDNet, or logits that later exits use. The graph joins them into one
// tensor and separates them after the cut. Segments and engines therefore know only cuts of one tensor.
import { integers, operator } from '../../onnx/build.js';
import type { GraphProto, ModelProto, NodeProto } from '../../protobuf/onnx-ml_pb.js';
import type { ExitTensors } from '../cuts.js';
import { cutsOf, type DescribedExit } from './described-exit.js';

/** An end that means the end of every axis. */
const END = 2 ** 31 - 1;

export function hasSeveralCuts(exits: readonly DescribedExit[]): boolean {
  return exits.some((exit) => cutsOf(exit).length > 1);
}

/**
 * Changes the model in place, and adds a note for each change.
 * @param dimensionsOf dimensions of a tensor of the original graph, without the batch
 * @returns the exits with one cut each
 */
export function joinCuts<Exit extends DescribedExit>(
  { graph }: ModelProto,
  exits: readonly Exit[],
  dimensionsOf: (tensor: string) => readonly number[],
  notes: string[],
): (Exit & ExitTensors)[] {
  /** By original name: the name of a tensor after the last cut that it crosses. */
  const renamed = new Map<string, string>();
  const nameOf = (tensor: string) => renamed.get(tensor) ?? tensor;
  return exits.map(({ cut: _cut, ...exit }, index) => {
    const cuts = cutsOf(exits[index] as Exit);
    const [first] = cuts;
    if (!graph || first === undefined) return { ...exit, logits: nameOf(exit.logits) } as Exit & ExitTensors;
    let cut = nameOf(first);
    if (cuts.length > 1) {
      cut = `rdi-serve/cut/${exit.name}`;
      const crossing = cuts.map((tensor): Crossing => {
        const behind = `${tensor}/behind/${exit.name}`;
        return { tensor: nameOf(tensor), behind, dimensions: dimensionsOf(tensor) };
      });
      const answers = exits.slice(index).map(({ logits }) => nameOf(logits));
      cross(graph, cut, crossing, answers);
      cuts.forEach((tensor, i) => {
        renamed.set(tensor, crossing[i]?.behind ?? tensor);
      });
      notes.push(
        `The cut of exit "${exit.name}" has ${cuts.length} tensors; the package joins them into "${cut}": ` +
          `${cuts.map((tensor) => `"${tensor}"`).join(', ')}.`,
      );
    }
    return { ...exit, logits: nameOf(exit.logits), cut } as Exit & ExitTensors;
  });
}

interface Crossing {
  readonly tensor: string;
  /** Its name after the cut. */
  readonly behind: string;
  readonly dimensions: readonly number[];
}

/** @param answers logits of this exit and later ones; if one of them crosses, the output is taken after the cut */
function cross(
  graph: GraphProto,
  joined: string,
  crossing: readonly Crossing[],
  answers: readonly string[],
): void {
  const behind = new Map(crossing.map((one) => [one.tensor, one.behind]));
  const before = neededFor(graph, [...behind.keys()]);
  for (const node of graph.node) {
    if (!before.has(node)) node.input = node.input.map((name) => behind.get(name) ?? name);
  }
  for (const output of graph.output) {
    if (answers.includes(output.name)) output.name = behind.get(output.name) ?? output.name;
  }
  const rows = crossing.map(({ tensor, dimensions }, i) =>
    dimensions.length === 1 ? tensor : `${joined}/rows/${i}`,
  );
  const join = [
    ...crossing.flatMap(({ tensor, dimensions }, i) =>
      dimensions.length === 1 ? [] : [operator('Flatten', [tensor], rows[i] ?? '', { axis: 1 })],
    ),
    operator('Concat', rows, joined, { axis: 1 }),
  ];
  const apart: NodeProto[] = [];
  let start = 0;
  crossing.forEach(({ behind: name, dimensions }, i) => {
    const part = (what: string) => `${joined}/${what}/${i}`;
    const end = start + dimensions.reduce((product, extent) => product * extent, 1);
    const isRow = dimensions.length === 1;
    graph.initializer.push(
      integers(part('start'), [start]),
      integers(part('end'), [i === crossing.length - 1 ? END : end]),
      integers(part('axis'), [1]),
    );
    const bounds = [part('start'), part('end'), part('axis')];
    apart.push(operator('Slice', [joined, ...bounds], isRow ? name : part('part')));
    if (!isRow) {
      graph.initializer.push(integers(part('shape'), [-1, ...dimensions]));
      apart.push(operator('Reshape', [part('part'), part('shape')], name));
    }
    start = end;
  });
  const rest = graph.node.filter((node) => !before.has(node));
  graph.node = [...before, ...join, ...apart, ...rest];
}

/** The nodes that compute some tensors, in order. All other nodes can follow them. */
function neededFor({ node: nodes }: GraphProto, tensors: readonly string[]): ReadonlySet<NodeProto> {
  const wanted = new Set(tensors);
  const needed = nodes.toReversed().filter((node) => {
    if (!node.output.some((name) => wanted.has(name))) return false;
    for (const name of node.input) wanted.add(name);
    return true;
  });
  return new Set(needed.reverse());
}
