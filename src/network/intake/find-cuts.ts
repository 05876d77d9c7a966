// Finds the cuts of a network without a description, so that as little as possible is computed twice.
import { PackageError } from '../../foundation/errors.js';
import type { Graph, GraphNode } from '../../onnx/graph.js';
import { variableTensors, walkBack } from '../../onnx/graph-walk.js';
import { costRule } from '../cost-rules.js';
import { validCuts } from '../valid-cuts.js';

/**
 * The cut of each side exit. One tensor is preferred: the last that the exit shares with all later exits. If there is
 * none, or if operators that count in FLOPs would run twice, the cut is every tensor that later stages take.
 * @param logits of every exit, in order; the last one is the final exit's
 * @param hasRows whether a tensor has one row per image
 * @throws PackageError if there is no cut between two exits
 */
export function findCuts(
  graph: Graph,
  logits: readonly string[],
  hasRows: (tensor: string) => boolean,
): string[][] {
  const variable = variableTensors(graph);
  const cuts: string[][] = [];
  let next: readonly string[] | undefined;
  for (let exit = logits.length - 2; exit >= 0; exit--) {
    const cut = cutOf(graph, variable, logits, exit, next, hasRows);
    if (!cut) {
      throw new PackageError(
        `model.onnx cannot be cut between the outputs "${logits[exit]}" and "${logits[exit + 1]}": no tensors ` +
          'except the image lead to both.',
      );
    }
    cuts.unshift(cut);
    next = cut;
  }
  return cuts;
}

/** @param next cut of the next exit, which must come later in the graph */
function cutOf(
  graph: Graph,
  variable: ReadonlySet<string>,
  logits: readonly string[],
  exit: number,
  next: readonly string[] | undefined,
  hasRows: (tensor: string) => boolean,
): string[] | undefined {
  const before = next && madeBy(walkBack(graph, next, new Set(), variable).nodes);
  const liesBefore = (tensor: string) => !before || (before.has(tensor) && !next?.includes(tensor));
  const single = validCuts(graph, logits.slice(exit)).findLast(
    (tensor) => liesBefore(tensor) && hasRows(tensor),
  );
  const all = crossing(graph, variable, logits, exit);
  const isTaken =
    all.length > 0 &&
    all.every((tensor) => hasRows(tensor) && !graph.inputs.has(tensor)) &&
    (!before || (all.every((tensor) => before.has(tensor)) && all.some((tensor) => !next?.includes(tensor))));
  if (single === undefined) return isTaken ? all : undefined;
  const repeated = walkBack(graph, all, new Set([single]), variable).nodes;
  return isTaken && repeated.some((node) => costRule(node) !== undefined) ? all : [single];
}

/** The tensors that are known when an exit has its logits, and that its head or later stages take. */
function crossing(
  graph: Graph,
  variable: ReadonlySet<string>,
  logits: readonly string[],
  exit: number,
): string[] {
  const nodesOf = (targets: readonly string[]) =>
    new Set(walkBack(graph, targets, new Set(), variable).nodes);
  const [done, wanted] = [nodesOf(logits.slice(0, exit + 1)), nodesOf(logits.slice(exit + 1))];
  const head = nodesOf(logits.slice(exit, exit + 1));
  const shared = [...done].filter((node) => wanted.has(node));
  const isShared = new Set(shared);
  const rest = graph.nodes.filter((node) => !isShared.has(node) && (wanted.has(node) || head.has(node)));
  const taken = new Set(rest.flatMap((node) => node.inputs));
  const candidates = [...graph.inputs.keys(), ...shared.flatMap((node) => node.outputs)];
  return candidates.filter((tensor) => variable.has(tensor) && taken.has(tensor));
}

function madeBy(nodes: readonly GraphNode[]): ReadonlySet<string> {
  return new Set(nodes.flatMap((node) => node.outputs));
}
