// Segments of networks that read the number of images from a tensor of an earlier stage.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { extractSegment } from '../../src/network/segments.js';
import { decodeModel, encodeModel } from '../../src/onnx/proto.js';
import { readNetwork } from '../../src/packages/package.js';
import { type GraphProto, OperatorSetIdProtoSchema } from '../../src/protobuf/onnx-ml_pb.js';
import { buildTestNetwork } from '../support/packages/network.js';
import { intTensor, node } from '../support/packages/onnx-builder.js';
import { largestDifference, runModel } from '../support/packages/run-model.js';

const data = Float32Array.from({ length: 3 * 192 }, (_, i) => Math.sin(i * i));
const image = { dims: [3, 3, 8, 8], data };

/** Gives the last rows the shape [number of images, -1], by way of `sizes` from tensors of other stages. */
function reshapedBy(...sizes: ReturnType<typeof node>[]): (graph: GraphProto) => void {
  return (graph) => {
    const nodes = graph.node;
    const at = nodes.findIndex((one) => one.output[0] === 'rows_2');
    nodes.splice(at, 1, ...sizes, node('Reshape', ['pooled_2', 'target'], ['rows_2']));
    graph.initializer.push(intTensor('zero', [0], []), intTensor('rest', [-1]), intTensor('four', [4]));
  };
}

const networks: Record<string, (graph: GraphProto) => void> = {
  'the shape of the image': reshapedBy(
    node('Shape', ['image'], ['shape']),
    node('Gather', ['shape', 'zero'], ['scalar'], { axis: 0 }),
    node('Unsqueeze', ['scalar'], ['images'], { axes: [0] }),
    node('Concat', ['images', 'rest'], ['target'], { axis: 0 }),
  ),
  'the shape of a tensor with several rows for each image': (graph) => {
    reshapedBy(
      node('Shape', ['fours'], ['shape']),
      node('Slice', ['shape', 'start', 'end'], ['several']),
      node('Div', ['several', 'four'], ['images']),
      node('Concat', ['images', 'rest'], ['target'], { axis: 0 }),
    )(graph);
    graph.node.splice(2, 0, node('Reshape', ['stem_relu', 'as_fours'], ['fours']));
    graph.initializer.push(
      intTensor('as_fours', [-1, 1, 8, 8]),
      intTensor('start', [0]),
      intTensor('end', [1]),
    );
  },
};

for (const opset of [11, 12]) {
  describe(`with operators of version ${opset}, a segment`, () => {
    for (const [name, edit] of Object.entries(networks)) {
      it(`does without ${name}`, async () => {
        const { model, description } = buildTestNetwork({ size: 8, width: 4 });
        const proto = decodeModel(model);
        proto.opsetImport = [create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(opset) })];
        if (proto.graph) edit(proto.graph);
        const bytes = encodeModel(proto);
        const { input, tensor, classes, exits } = description;
        const network = readNetwork(bytes, { input: { ...input, tensor, background: 0 }, classes, exits });
        const whole = await runModel(bytes, { image });

        let rows = image;
        for (const to of [0, 1, 2]) {
          const segment = extractSegment(network, { from: to - 1, to });
          const outputs = await runModel(segment.graph, { [segment.input]: rows });
          const [expected, actual] = [whole[segment.logits], outputs[segment.logits]];
          assert.ok(expected && actual);
          assert.ok(largestDifference(actual.data, expected.data) <= 1e-5);
          const cut = outputs[segment.cut ?? ''];
          if (cut) rows = { dims: [...cut.dims], data: Float32Array.from(cut.data) };
        }
      });
    }
  });
}
