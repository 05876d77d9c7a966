// Cuts of several tensors, such as the scales of an MSDNet or an answer that later exits take up. The graph joins them into
// one tensor of rows and takes them apart behind it, so that what runs segments knows of one tensor only.
import { integers, operator } from '../../onnx/build.js';
import type { GraphProto, ModelProto, NodeProto } from '../../protobuf/onnx-ml_pb.js';
import type { ExitTensors } from '../cuts.js';
import { cutsOf, type DescribedExit } from './described-exit.js';

/** The end of any axis. */
const END = 2 ** 31 - 1;

export function hasSeveralCuts(exits: readonly DescribedExit[]): boolean {
  return exits.some((exit) => cutsOf(exit).length > 1);
}

/**
 * @param dimensionsOf a tensor of the graph as it is given, without the batch.
 * @returns the exits with one cut each; the model is changed in place, and `notes` says where.
 */
export function joinCuts<Exit extends DescribedExit>(
  { graph }: ModelProto,
  exits: readonly Exit[],
  dimensionsOf: (tensor: string) => readonly number[],
  notes: string[],
): (Exit & ExitTensors)[] {
  /** What a tensor is called behind the last cut that it crosses. */
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
        `Exit "${exit.name}" is cut at ${cuts.length} tensors, which cross as one, "${cut}": ` +
          `${cuts.map((tensor) => `"${tensor}"`).join(', ')}.`,
      );
    }
    return { ...exit, logits: nameOf(exit.logits), cut } as Exit & ExitTensors;
  });
}

interface Crossing {
  readonly tensor: string;
  /** Its name for all that comes behind. */
  readonly behind: string;
  readonly dimensions: readonly number[];
}

/** @param answers logits that no earlier exit has: those among the tensors come from behind the cut, too. */
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

/** The nodes that some tensors are computed by, in order. Whatever else there is can come behind them. */
function neededFor({ node: nodes }: GraphProto, tensors: readonly string[]): ReadonlySet<NodeProto> {
  const wanted = new Set(tensors);
  const needed = nodes.toReversed().filter((node) => {
    if (!node.output.some((name) => wanted.has(name))) return false;
    for (const name of node.input) wanted.add(name);
    return true;
  });
  return new Set(needed.reverse());
}
