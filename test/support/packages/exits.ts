// The test network, and variants of it, as the checked graph that costs and segments are taken from.
import type { MultiExitGraph } from '../../../src/network/multi-exit-graph.js';
import { decodeModel, encodeModel } from '../../../src/onnx/proto.js';
import { readNetwork } from '../../../src/packages/package.js';
import type { GraphProto } from '../../../src/protobuf/onnx-ml_pb.js';
import { buildTestNetwork, type NetworkOptions } from './network.js';

export interface Changes {
  /** Edits the graph in place. */
  readonly graph?: (graph: GraphProto) => void;
  /** What the description says about the exits instead. */
  readonly exits?: MultiExitGraph['exits'];
}

export function readTestNetwork(
  options: NetworkOptions = {},
  { graph: edit, exits }: Changes = {},
): MultiExitGraph {
  const { model, description } = buildTestNetwork(options);
  const proto = decodeModel(model);
  if (proto.graph) edit?.(proto.graph);
  const { input, tensor, classes } = description;
  return readNetwork(encodeModel(proto), {
    input: { ...input, tensor, background: 0 },
    classes,
    exits: exits ?? description.exits,
  });
}
