// Costs against numbers computed by hand: 2 × multiply-accumulates.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { countFlops, nodeFlops } from '../../src/network/flops.js';
import { BATCH, type Shape } from '../../src/onnx/dimensions.js';
import type { GraphProto } from '../../src/protobuf/onnx-ml_pb.js';
import { readTestNetwork } from '../support/packages/exits.js';
import { floatTensor, node, tensorInfo } from '../support/packages/onnx-builder.js';

describe('the cost of an operator', () => {
  const network = readTestNetwork({ size: 16, width: 8, channels: 3, classes: 10 });
  const flopsOf = (output: string) => {
    const found = network.graph.producers.get(output);
    assert.ok(found);
    return nodeFlops(network, found);
  };

  it('is that of every tap of a convolution', () => {
    assert.equal(flopsOf('stem'), 2 * (16 * 16 * 8) * (3 * 3 * 3));
  });

  it('is less by the stride', () => {
    assert.equal(flopsOf('down_1'), 2 * (8 * 8 * 16) * (8 * 3 * 3));
  });

  it('is one channel’s in a depthwise convolution', () => {
    assert.equal(flopsOf('filtered_1'), 2 * (8 * 8 * 16) * (1 * 3 * 3));
  });

  it('is rows × columns in a matrix product', () => {
    assert.equal(flopsOf('logits_0'), 2 * (8 * 2 * 2) * 10);
  });

  it('is nothing for activations, pooling and sums', () => {
    for (const output of ['stem_relu', 'sum_0', 'pooled_0', 'rows_0']) assert.equal(flopsOf(output), 0);
  });
});

describe('the cost of exits', () => {
  const stem = 2 * 256 * 8 * 27;
  const stages = [
    stem + 2 * 256 * 8 * 72 + 2 * 256 * 8 * 8,
    2 * 64 * 16 * 72 + 2 * 64 * 16 * 9 + 2 * 64 * 16 * 16,
    2 * 16 * 24 * 144 + 2 * 16 * 24 * 9 + 2 * 16 * 24 * 24,
  ];
  const heads = [2 * 32 * 10, 2 * 64 * 10, 2 * 96 * 10];

  it('is its stage, its head, and all stages and heads up to it', () => {
    const [first, second, final] = stages.map((stage, index) => ({ stage, head: heads[index] ?? 0 }));
    assert.ok(first && second && final);
    assert.deepEqual(countFlops(readTestNetwork({ size: 16, width: 8 })), [
      { ...first, cumulative: first.stage + first.head },
      { ...second, cumulative: first.stage + first.head + second.stage + second.head },
      {
        stage: final.stage + final.head,
        head: 0,
        cumulative: [...stages, ...heads].reduce((sum, part) => sum + part, 0),
      },
    ]);
  });

  it('counts what a head shares with the next stage in both, as both execute it', () => {
    const shared = (graph: GraphProto): void => {
      // cut_0 goes through a 1×1 convolution before the head of exit 0 and stage 1 take it.
      const at = graph.node.findIndex((one) => one.output[0] === 'cut_0') ?? 0;
      for (const one of graph.node) {
        one.input = one.input.map((name) => (name === 'cut_0' ? 'shared' : name));
      }
      graph.node.splice(at + 1, 0, node('Conv', ['cut_0', 'shared_weight'], ['shared']));
      graph.initializer.push(floatTensor('shared_weight', [8, 8, 1, 1], new Array<number>(64).fill(0.1)));
    };
    const [before, after] = [{}, { graph: shared }].map((change) => countFlops(readTestNetwork({}, change)));
    const cost = 2 * 256 * 8 * 8;
    assert.equal(after?.[0]?.stage, before?.[0]?.stage);
    assert.equal(after?.[0]?.head, (before?.[0]?.head ?? 0) + cost);
    assert.equal(after?.[1]?.stage, (before?.[1]?.stage ?? 0) + cost);
  });

  it('leaves out what is computed from weights alone', () => {
    const product = (graph: GraphProto): void => {
      graph.initializer.push(floatTensor('square', [10, 10], new Array<number>(100).fill(0)));
      const at = graph.node.findIndex((one) => one.output[0] === 'logits_2') ?? 0;
      const made = graph.node[at];
      if (made) made.output = ['raw'];
      graph.node.push(
        node('MatMul', ['square', 'square'], ['constant']),
        node('MatMul', ['raw', 'constant'], ['logits_2']),
      );
    };
    const [before, after] = [{}, { graph: product }].map((change) => countFlops(readTestNetwork({}, change)));
    assert.equal(after?.[2]?.stage, (before?.[2]?.stage ?? 0) + 2 * 10 * 10);
  });

  it('is refused where shapes do not tell it', () => {
    const transposed = (graph: GraphProto): void => {
      const found = graph.node.find((one) => one.output[0] === 'mixed_0');
      if (!found) throw new Error('mixed_0 is made by a node');
      found.opType = 'ConvTranspose';
      graph.valueInfo = [
        tensorInfo('cut_0', ['batch', 8, 16, 16]),
        tensorInfo('sum_0', ['batch', 8, 16, 16]),
      ];
      graph.node.splice(graph.node.indexOf(found), 0, node('Sign', ['stem_relu'], ['filtered_0_sign']));
      found.input = ['filtered_0_sign', 'mixed_0_weight'];
    };
    assert.throws(
      () => countFlops(readTestNetwork({}, { graph: transposed })),
      /node "make_mixed_0" \(ConvTranspose\) has a cost that depends on the shape of "filtered_0_sign"/,
    );
  });
});

/** Shapes of inputs, then of the output; the multiply-accumulates for one image. */
const products: Record<string, [node: ReturnType<typeof node>, shapes: Shape[], macs: number]> = {
  ConvTranspose: [
    node('ConvTranspose', ['a', 'b'], ['out']),
    [
      [BATCH, 4, 5, 5],
      [4, 3, 2, 2],
      [BATCH, 3, 10, 10],
    ],
    4 * 5 * 5 * (3 * 2 * 2),
  ],
  'a product of matrices for each head': [
    node('MatMul', ['a', 'b'], ['out']),
    [
      ['batch*3', 7, 8],
      ['batch*3', 8, 9],
      ['batch*3', 7, 9],
    ],
    3 * 7 * 8 * 9,
  ],
  Einsum: [
    node('Einsum', ['a', 'b'], ['out'], { equation: 'bhid,bhjd->bhij' }),
    [
      [BATCH, 2, 5, 8],
      [BATCH, 2, 6, 8],
      [BATCH, 2, 5, 6],
    ],
    2 * 5 * 6 * 8,
  ],
  'Einsum with axes that have no names': [
    node('Einsum', ['a', 'b'], ['out'], { equation: '...d, de -> ...e' }),
    [
      [BATCH, 5, 8],
      [8, 3],
      [BATCH, 5, 3],
    ],
    5 * 8 * 3,
  ],
  Attention: [
    node('Attention', ['a', 'b', 'c'], ['out']),
    [
      [BATCH, 2, 5, 8],
      [BATCH, 2, 6, 8],
      [BATCH, 2, 6, 4],
      [BATCH, 2, 5, 4],
    ],
    2 * 5 * 6 * 8 + 2 * 5 * 6 * 4,
  ],
  'Attention with a cache, of heads side by side': [
    node('Attention', ['a', 'b', 'c', '', 'd'], ['out'], { q_num_heads: 2, kv_num_heads: 2 }),
    [[BATCH, 5, 16], [BATCH, 6, 16], [BATCH, 6, 8], [], [BATCH, 2, 3, 8], [BATCH, 5, 8]],
    5 * (6 + 3) * 16 + 5 * (6 + 3) * 8,
  ],
  QLinearConv: [
    node('QLinearConv', ['a', 's', 'z', 'b'], ['out']),
    [[BATCH, 3, 8, 8], [], [], [4, 3, 3, 3], [BATCH, 4, 6, 6]],
    4 * 6 * 6 * 27,
  ],
  FusedConv: [
    { ...node('FusedConv', ['a', 'b'], ['out']), domain: 'com.microsoft' },
    [
      [BATCH, 3, 8, 8],
      [4, 3, 3, 3],
      [BATCH, 4, 6, 6],
    ],
    4 * 6 * 6 * 27,
  ],
  GRU: [
    node('GRU', ['a', 'b', 'c'], ['out']),
    [
      [7, BATCH, 5],
      [1, 9, 5],
      [1, 9, 3],
      [7, 1, BATCH, 3],
    ],
    7 * (9 * 5 + 9 * 3),
  ],
  'an operator of somebody’s own': [
    Object.assign(node('Conv', ['a', 'b'], ['out']), { domain: 'example.org' }),
    [[BATCH, 3], [3], [BATCH, 3]],
    0,
  ],
};

describe('the cost for one image of', () => {
  for (const [name, [proto, shapes, macs]] of Object.entries(products)) {
    it(name, () => {
      const names = [...proto.input, 'out'];
      const made = {
        operator: proto.opType,
        domain: proto.domain,
        inputs: proto.input,
        outputs: ['out'],
        label: name,
        proto,
      };
      const known = new Map(names.map((one, index) => [one, shapes[index] ?? []]));
      assert.equal(nodeFlops({ shapes: known }, made), 2 * macs);
    });
  }
});
