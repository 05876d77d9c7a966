// Where exits could be added: tensors that the whole network passes through, a few of them, spread over its cost.
// Neighbour: pooled-features.ts, which says what an exit takes from such a tensor.
import { nodeFlops } from '../network/flops.js';
import type { MultiExitGraph } from '../network/multi-exit-graph.js';
import { validCuts } from '../network/valid-cuts.js';
import { BATCH } from '../onnx/dimensions.js';
import { variableTensors, walkBack } from '../onnx/graph-walk.js';

/** Exits before the first share of the cost know too little; exits behind the second save too little. */
const [EARLIEST, LATEST] = [0.02, 0.9];
/** Share of the cost from one candidate to the next, at least. */
const APART = 0.08;
const MOST_CANDIDATES = 8;

/** A tensor at which the network can be cut. */
export interface Place {
  readonly tensor: string;
  /** Dimensions without the batch. */
  readonly shape: readonly number[];
  /** FLOPs from the image to this tensor, as a share of the network's. */
  readonly share: number;
}

/**
 * Every place where exactly one tensor that depends on the image is alive, in the order of the network.
 * @param network with its final exit alone
 */
export function findPlaces(network: MultiExitGraph): Place[] {
  const { graph, exits, shapes } = network;
  const targets = exits.map(({ logits }) => logits);
  const whole = flopsUpTo(network, targets);
  return validCuts(graph, targets).flatMap((tensor) => {
    const [batch, ...shape] = shapes.get(tensor) ?? [];
    if (batch !== BATCH || !shape.every((extent) => typeof extent === 'number') || shape.length === 0)
      return [];
    return [{ tensor, shape, share: flopsUpTo(network, [tensor]) / whole }];
  });
}

/** FLOPs that lead to `targets`, of one image. */
function flopsUpTo(network: MultiExitGraph, targets: readonly string[]): number {
  const variable = variableTensors(network.graph);
  return walkBack(network.graph, targets, new Set(), variable)
    .nodes.filter((node) => node.inputs.some((name) => variable.has(name)))
    .reduce((sum, node) => sum + nodeFlops(network, node), 0);
}

/**
 * At most eight places between 2 and 90 % of the cost, at least 8 % apart: of each part of the cost the smallest tensor,
 * because the next stage takes it over, and of equal ones the last, because its activation has been applied.
 */
export function chooseCandidates(places: readonly Place[]): Place[] {
  const width = (LATEST - EARLIEST) / MOST_CANDIDATES;
  const chosen: Place[] = [];
  for (let part = 0; part < MOST_CANDIDATES; part++) {
    const from = Math.max(
      EARLIEST + part * width,
      (chosen.at(-1)?.share ?? Number.NEGATIVE_INFINITY) + APART,
    );
    const to = part === MOST_CANDIDATES - 1 ? LATEST : EARLIEST + (part + 1) * width;
    const inPart = places.filter(({ share }) => share >= from && share <= to);
    const [best] = inPart.toReversed().sort((a, b) => sizeOf(a) - sizeOf(b));
    if (best) chosen.push(best);
  }
  return chosen;
}

function sizeOf({ shape }: Place): number {
  return shape.reduce((product, extent) => product * extent, 1);
}
