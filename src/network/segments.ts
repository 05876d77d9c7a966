// Cuts a network into segments. A segment is a separate ONNX model that runs from one exit's cut to a later exit.
import { create } from '@bufbuild/protobuf';
import type { SegmentSource } from '../engines/engine.js';
import { invariant } from '../foundation/errors.js';
import { variableTensors, walkBack } from '../onnx/graph-walk.js';
import { encodeModel } from '../onnx/proto.js';
import { imageDimensions } from '../onnx/shapes.js';
import {
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProto_DataType,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from '../protobuf/onnx-ml_pb.js';
import type { MultiExitGraph } from './multi-exit-graph.js';
import { sizesFrom } from './sizes.js';

/** The first version of the ONNX format in which an initializer need not be an input as well. */
const OLDEST_FORMAT = 4n;

export interface SegmentRange {
  /** The exit whose cut the segment starts from; -1: the image. */
  readonly from: number;
  /** The exit at which it ends. */
  readonly to: number;
}

/** The segment of `network` from one exit to a later one, without the heads of the exits between them. */
export function extractSegment(network: MultiExitGraph, { from, to }: SegmentRange): SegmentSource {
  const { graph, image, exits, shapes } = network;
  const exit = exits[to];
  const input = from === -1 ? image.tensor : exits[from]?.cut;
  invariant(exit && input !== undefined && from < to, `there is no segment from exit ${from} to ${to}`);
  const { logits, cut } = exit;
  const outputs = cut === undefined ? [logits] : [logits, cut];
  const walk = walkBack(graph, outputs, new Set([input]), variableTensors(graph));
  const sizes = sizesFrom(network, input, walk.nodes);

  const { irVersion } = graph.model;
  const model = Object.assign(create(ModelProtoSchema), graph.model, {
    irVersion: irVersion < OLDEST_FORMAT ? OLDEST_FORMAT : irVersion,
    graph: create(GraphProtoSchema, {
      name: `${graph.model.graph?.name || 'network'}, exit ${from} to ${to}`,
      node: [...sizes.nodes, ...sizes.kept.map((node) => withoutRemarks(node.proto))],
      initializer: [
        ...[...graph.initializers].flatMap(([name, tensor]) => (walk.sources.has(name) ? [tensor] : [])),
        ...sizes.initializers,
      ],
      input: [valueInfo(network, input)],
      output: outputs.map((name) => valueInfo(network, name)),
    }),
  });
  return {
    from,
    to,
    input,
    inputShape: imageDimensions(shapes, input),
    logits,
    ...(cut !== undefined && { cut }),
    graph: inSharedMemory(encodeModel(model)),
  };
}

/** All workers share the bytes, instead of one copy each. */
function inSharedMemory(bytes: Uint8Array): Uint8Array {
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  return shared;
}

/** Removes documentation and metadata: exporters write stack traces there, often more bytes than the weights have. */
function withoutRemarks({ docString: _doc, metadataProps: _metadata, ...node }: NodeProto): NodeProto {
  return Object.assign(create(NodeProtoSchema), node);
}

function valueInfo({ shapes }: MultiExitGraph, name: string): ValueInfoProto {
  const batch = { value: { case: 'dimParam', value: 'batch' } } as const;
  const dimensions = imageDimensions(shapes, name).map(
    (extent) => ({ value: { case: 'dimValue', value: BigInt(extent) } }) as const,
  );
  const tensor = { elemType: TensorProto_DataType.FLOAT, shape: { dim: [batch, ...dimensions] } };
  return create(ValueInfoProtoSchema, { name, type: { value: { case: 'tensorType', value: tensor } } });
}
