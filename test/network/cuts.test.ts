// Networks that cannot be run stage by stage, and descriptions that do not fit: each refusal names what is wrong.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { GraphProto, NodeProto } from '../../src/protobuf/onnx-ml_pb.js';
import { type Changes, readTestNetwork } from '../support/packages/exits.js';
import { floatTensor, node, tensorInfo } from '../support/packages/onnx-builder.js';

const exits = [
  { name: 'exit-0', logits: 'logits_0', cut: 'cut_0' },
  { name: 'exit-1', logits: 'logits_1', cut: 'cut_1' },
  { name: 'final', logits: 'logits_2' },
] as const;
const [first, second, final] = exits;

/** Adds a tensor to what another node takes: `target` becomes the sum of itself and a part of `source`. */
function bypass(source: string, target: string, ...between: NodeProto[]): (graph: GraphProto) => void {
  return (graph) => {
    const nodes = graph.node;
    const at = nodes.findIndex((one) => one.output.includes(target));
    const made = nodes[at];
    assert.ok(made);
    made.output = [`${target}_before`];
    const last = between.at(-1)?.output[0] ?? source;
    nodes.splice(at + 1, 0, ...between, node('Add', [`${target}_before`, last], [target]));
  };
}

const average = node('GlobalAveragePool', ['stem_relu'], ['average']);

const cases: Record<string, { change: Changes; message: RegExp }> = {
  'a tensor that passes a cut by': {
    // 8 channels of the stem are added to the 8 of the rows behind exit 0's cut.
    change: {
      graph: bypass(
        'stem_relu',
        'logits_2',
        average,
        node('Flatten', ['average'], ['flat']),
        node('ReduceMean', ['flat'], ['scalar'], { axes: [1] }),
      ),
    },
    message:
      /Cut "cut_0" of exit "exit-0" must be the only tensor .*, but tensor "stem_relu" also leads to exit "final"\./,
  },
  'the image passing a cut by': {
    change: {
      graph: bypass(
        'image',
        'logits_2',
        node('ReduceMean', ['image'], ['scalar'], { axes: [1, 2, 3], keepdims: 0 }),
        node('Unsqueeze', ['scalar', 'one'], ['column']),
      ),
    },
    message: /Cut "cut_0" .* tensor "image" also leads to exit "final"/,
  },
  'a head that depends on something before its cut': {
    change: { graph: bypass('sum_1', 'pooled_1', node('GlobalAveragePool', ['sum_1'], ['average'])) },
    message: /The head of exit "exit-1" must depend on cut "cut_1" alone, but it also takes tensor "sum_1"\./,
  },
  'a head that depends on the cut before': {
    change: { exits: [first, { ...second, cut: 'last_features' }, final] },
    message:
      /The head of exit "exit-1" must depend on cut "last_features" alone, but it also takes tensor "cut_1"\./,
  },
  'a later exit that depends on a head': {
    change: { graph: bypass('logits_0', 'logits_2') },
    message:
      /Cut "cut_1" of exit "exit-1" must be the only tensor .*, but tensor "cut_0" also leads to exit "final"\./,
  },
  'exits in a wrong order': {
    change: { exits: [second, first, final] },
    message: /out of order: cut "cut_0" of exit "exit-0" lies before cut "cut_1" of exit "exit-1"/,
  },
  'logits of a later exit that lie before the cut': {
    change: {
      exits: [
        { ...first, cut: 'cut_1' },
        { ...final, logits: 'logits_1' },
      ],
    },
    message: /head of exit "exit-0" must depend on cut "cut_1" alone, but it also takes tensor "cut_0"/,
  },
  'logits that are no output': {
    change: { exits: [first, second, { ...final, logits: 'rows_2' }] },
    message: /The logits "rows_2" of exit "final" are not an output of model\.onnx\./,
  },
  'logits of another type': {
    change: {
      graph: (graph) => {
        const type = graph.output[1]?.type?.value;
        assert.equal(type?.case, 'tensorType');
        type.value.elemType = 10;
      },
    },
    message: /The logits "logits_1" of exit "exit-1" are not float32\./,
  },
  'logits of another length': {
    change: {
      exits: [first, second, { name: 'wide', logits: 'rows_2' }],
      graph: (graph) => graph.output.push(tensorInfo('rows_2', ['batch', 96])),
    },
    message: /The logits "rows_2" of exit "wide" have the shape \[batch, 96\], but there are 10 classes/,
  },
  'a cut that nobody makes': {
    change: { exits: [{ ...first, cut: 'nowhere' }, second, final] },
    message: /Exit "exit-0" names "nowhere", which no operator of model\.onnx makes\./,
  },
  'a cut at the image': {
    change: { exits: [{ ...first, cut: 'image' }, second, final] },
    message: /Exit "exit-0" names "image", which no operator of model\.onnx makes\./,
  },
  'a cut that is a constant': {
    change: {
      exits: [{ ...first, cut: 'constant' }, second, final],
      graph: (graph) => graph.node.push(node('Relu', ['one'], ['constant'])),
    },
    message: /Exit "exit-0" names "constant", which does not depend on the image\./,
  },
  'one cut at two exits': {
    change: { exits: [first, { ...second, cut: 'cut_0' }, final] },
    message: /"cut_0" is named twice, at exit "exit-0" and at exit "exit-1"\./,
  },
  'a side exit without a cut': {
    change: { exits: [{ name: 'exit-0', logits: 'logits_0' }, second, final] },
    message: /Exit "exit-0" names no cut\./,
  },
  'a final exit with a cut': {
    change: { exits: [first, second] },
    message: /Exit "exit-1" is the final exit and must not name a cut \("cut_1"\)\./,
  },
  'a fixed batch': {
    change: { graph: (graph) => (graph.input = [tensorInfo('image', [1, 3, 16, 16])]) },
    message: /Input "image" of model\.onnx has a fixed batch of 1; export the network with a dynamic batch\./,
  },
  'another size of image': {
    change: { graph: (graph) => (graph.input = [tensorInfo('image', ['batch', 3, 16, 32])]) },
    message:
      /Input "image" of model\.onnx takes \[batch, 3, 16, 32\], not the described \[batch, 3, 16, 16\]\./,
  },
  'an input of another name': {
    change: { graph: (graph) => (graph.input = [tensorInfo('picture', ['batch', 3, 16, 16])]) },
    message: /takes "image", which no earlier node makes/,
  },
};

describe('a network is refused for', () => {
  for (const [name, { change, message }] of Object.entries(cases)) {
    it(name, () => {
      const graph = (proto: GraphProto): void => {
        proto.initializer.push(floatTensor('one', [1], [1]));
        change.graph?.(proto);
      };
      assert.throws(() => readTestNetwork({}, { ...change, graph }), { name: 'PackageError', message });
    });
  }
});

describe('a message about a wrong name', () => {
  const refusal = (changed: Changes['exits']): string => {
    try {
      readTestNetwork({}, changed ? { exits: changed } : {});
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  };

  it('offers names like it, and the cuts that are possible', () => {
    assert.equal(
      refusal([{ ...first, cut: 'cut0' }, second, final]),
      'Exit "exit-0" names "cut0", which no operator of model.onnx makes. Did you mean "cut_0" or "cut_1"? ' +
        'Possible cuts for exit "exit-0": "stem", "stem_relu", "sum_0", "cut_0".',
    );
  });

  it('offers the cuts that are possible instead of one that is passed by', () => {
    assert.match(
      refusal([{ ...first, cut: 'filtered_0' }, second, final]),
      /must depend on cut "filtered_0" alone, .* Possible cuts for exit "exit-0": .*"cut_0"\.$/,
    );
    assert.match(
      refusal([{ name: 'exit-0', logits: 'logits_0' }, second, final]),
      /names no cut\. Possible cuts .*"cut_0"\.$/,
    );
  });

  it('lists the outputs', () => {
    assert.match(
      refusal([first, second, { ...final, logits: 'logit_2' }]),
      /Did you mean "logits_2" .*\? Its outputs: "logits_0", "logits_1", "logits_2"\.$/,
    );
  });
});

describe('a network is accepted with', () => {
  it('a constant that several stages share', () => {
    const graph = (proto: GraphProto): void => {
      proto.initializer.push(floatTensor('one', [1], [1]));
      proto.node.unshift(node('Relu', ['one'], ['shared']));
      bypass('shared', 'sum_0')(proto);
      bypass('shared', 'sum_2')(proto);
    };
    assert.equal(readTestNetwork({}, { graph }).exits.length, 3);
  });

  it('an image whose size the file leaves open', () => {
    const graph = (proto: GraphProto): void => {
      proto.input = [tensorInfo('image', ['batch', 3, 'height', 'width'])];
    };
    assert.deepEqual(readTestNetwork({}, { graph }).shapes.get('cut_0'), ['batch', 8, 16, 16]);
  });

  it('one exit', () => {
    assert.equal(readTestNetwork({ exits: 1 }).exits.length, 1);
  });
});
