// Segments: small enough, and together the same as the whole network.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { extractSegment } from '../../src/network/segments.js';
import { decodeModel } from '../../src/onnx/proto.js';
import { StringStringEntryProtoSchema } from '../../src/protobuf/onnx-ml_pb.js';
import { readTestNetwork } from '../support/packages/exits.js';
import { buildTestNetwork } from '../support/packages/network.js';
import { largestDifference, runModel, type TensorValue } from '../support/packages/run-model.js';

const options = { exits: 4, size: 16, width: 8 };
const network = readTestNetwork(options);
const ranges = network.exits.flatMap((_, to) =>
  Array.from({ length: to + 1 }, (__, index) => ({ from: index - 1, to })),
);

describe('a segment', () => {
  for (const { from, to } of ranges) {
    it(`from ${from} to ${to} gives what the whole network gives`, async () => {
      const image = {
        dims: [3, 3, 16, 16],
        data: Float32Array.from({ length: 3 * 768 }, (_, i) => Math.sin(i * i)),
      };
      const whole = await runModel(buildTestNetwork(options).model, { image });

      let input: TensorValue = image;
      if (from >= 0) {
        const before = extractSegment(network, { from: -1, to: from });
        const reached = (await runModel(before.graph, { [before.input]: input }))[before.cut ?? ''];
        assert.ok(reached);
        input = reached;
      }
      const segment = extractSegment(network, { from, to });
      assert.deepEqual([3, ...segment.inputShape], input.dims);
      const outputs = await runModel(segment.graph, { [segment.input]: input });
      assert.deepEqual(
        Object.keys(outputs),
        segment.cut === undefined ? [`logits_${to}`] : [`logits_${to}`, `cut_${to}`],
      );
      const [expected, actual] = [whole[`logits_${to}`], outputs[`logits_${to}`]];
      assert.ok(expected && actual);
      assert.deepEqual(actual.dims, [3, 10]);
      assert.ok(largestDifference(actual.data, expected.data) <= 1e-5);
    });
  }

  it('holds the nodes of its stages and of its own head, and no others', () => {
    const { graph } = decodeModel(extractSegment(network, { from: 0, to: 2 }).graph);
    const made = (graph?.node ?? []).flatMap((one) => one.output ?? []);
    const expected = [1, 2].flatMap((stage) => [
      ...['down', 'filtered'].flatMap((part) => [`${part}_${stage}`, `${part}_${stage}_relu`]),
      ...[`mixed_${stage}`, `sum_${stage}`, `cut_${stage}`],
    ]);
    assert.deepEqual(new Set(made), new Set([...expected, 'pooled_2', 'rows_2', 'logits_2']));
  });

  it('lies in memory that threads share, so that workers need no copy', () => {
    assert.ok(extractSegment(network, { from: 0, to: 2 }).graph.buffer instanceof SharedArrayBuffer);
  });

  it('holds the weights of its nodes, and no others', () => {
    const { graph } = decodeModel(extractSegment(network, { from: 0, to: 1 }).graph);
    assert.deepEqual(
      new Set(graph?.initializer?.map((one) => one.name)),
      new Set([
        ...['down', 'filtered', 'mixed', 'logits'].map((part) => `${part}_1_weight`),
        'logits_1_bias',
      ]),
    );
  });

  it('leaves behind what only people read', () => {
    const remarked = readTestNetwork(options, {
      graph: ({ node }) => {
        for (const one of node) {
          one.docString = 'a stack trace';
          one.metadataProps = [create(StringStringEntryProtoSchema, { key: 'trace', value: 'line 1' })];
        }
      },
    });
    const range = { from: -1, to: 1 };
    assert.deepEqual(extractSegment(remarked, range), extractSegment(network, range));
  });

  it('says what goes in and comes out, for any batch', () => {
    const segment = extractSegment(network, { from: 0, to: 1 });
    const { graph, opsetImport } = decodeModel(segment.graph);
    assert.deepEqual(
      opsetImport.map((one) => Number(one.version)),
      [17],
    );
    assert.deepEqual(
      graph?.input.map((one) => one.name),
      ['cut_0'],
    );
    assert.deepEqual(
      graph?.output.map((one) => one.name),
      ['logits_1', 'cut_1'],
    );
    const type = graph?.input[0]?.type?.value;
    assert.equal(type?.case, 'tensorType');
    assert.deepEqual(
      type.value.shape?.dim.map((one) => one.value.value),
      ['batch', 8n, 16n, 16n],
    );
    assert.deepEqual(segment.inputShape, [8, 16, 16]);
  });

  it('keeps what the format does not know, of the model and of its nodes', () => {
    const unknown = [{ no: 999, wireType: 0, data: Uint8Array.of(7) }];
    const newer = readTestNetwork(options, {
      graph: ({ node }) => {
        for (const one of node) one.$unknown = unknown;
      },
    });
    newer.graph.model.$unknown = unknown;
    const model = decodeModel(extractSegment(newer, { from: 0, to: 1 }).graph);
    assert.deepEqual(model.$unknown, unknown);
    assert.ok(model.graph?.node.length);
    for (const one of model.graph.node) assert.deepEqual(one.$unknown, unknown);
  });

  it('has no cut at the final exit', () => {
    const last = extractSegment(network, { from: 2, to: 3 });
    assert.equal('cut' in last, false);
    assert.equal(last.logits, 'logits_3');
  });

  it('cannot lead backward', () => {
    assert.throws(() => extractSegment(network, { from: 1, to: 1 }), /This is a bug in rdi-serve/);
    assert.throws(() => extractSegment(network, { from: 3, to: 4 }), /This is a bug in rdi-serve/);
  });
});
