// A plain classifier for tests of added exits: a stem, residual blocks that change little, a mean and a linear layer. Its
// answers hang on colours, so that they can be told long before its end.
import { create } from '@bufbuild/protobuf';
import { createUniform } from '../../../src/foundation/random.js';
import { encodeModel } from '../../../src/onnx/proto.js';
import { ModelProtoSchema, type NodeProto, type TensorProto } from '../../../src/protobuf/onnx-ml_pb.js';
import { floatTensor, modelOf, node, tensorInfo } from './onnx-builder.js';

export interface PlainOptions {
  readonly classes?: number;
  readonly size?: number;
  readonly width?: number;
  readonly blocks?: number;
  /** How much a block adds to what it takes. */
  readonly gain?: number;
  readonly softmax?: boolean;
  /** Every block also sees the stem, so that nothing can be cut. */
  readonly dense?: boolean;
  readonly secondInput?: boolean;
  /** Added to the first class's logit. */
  readonly bias?: number;
  readonly seed?: number;
}

/** Tensors: `image` [batch, 3, size, size], `stem`, `sum_<block>` (the only cuts but for `mean`), `logits` or `probabilities`. */
export function buildPlainNetwork(options: PlainOptions = {}): Uint8Array {
  const { classes = 4, size = 16, width = 16, blocks = 6, gain = 0.02, bias = 0, seed = 1 } = options;
  const uniform = createUniform(seed);
  const nodes: NodeProto[] = [];
  const initializers: TensorProto[] = [];
  const weights = (name: string, dims: number[], scale: number): string => {
    const count = dims.reduce((product, extent) => product * extent, 1);
    initializers.push(
      floatTensor(
        name,
        dims,
        Array.from({ length: count }, () => scale * (2 * uniform() - 1)),
      ),
    );
    return name;
  };
  const add = (
    operator: string,
    inputs: string[],
    output: string,
    attributes: Parameters<typeof node>[3] = {},
  ) => {
    nodes.push(node(operator, inputs, [output], attributes));
    return output;
  };
  const conv = (from: string, output: string, inside: number, scale: number) =>
    add('Conv', [from, weights(`${output}_weight`, [width, inside, 3, 3], scale)], output, {
      kernel_shape: [3, 3],
      pads: [1, 1, 1, 1],
    });

  conv('image', 'stem_conv', 3, 1 / 3);
  let current = add('Relu', ['stem_conv'], 'stem');
  for (let block = 0; block < blocks; block++) {
    const inner = add('Relu', [conv(current, `inner_${block}_conv`, width, 1 / 9)], `inner_${block}`);
    conv(inner, `outer_${block}`, width, gain);
    const sum = add('Add', [`outer_${block}`, current], `sum_${block}`);
    current = options.dense ? add('Add', [sum, 'image_again'], `dense_${block}`) : sum;
  }
  if (options.dense)
    nodes.unshift(node('Conv', ['image', weights('again', [width, 3, 1, 1], 0.1)], ['image_again']));
  add('GlobalAveragePool', [current], 'pooled');
  add('Flatten', ['pooled'], 'mean', { axis: 1 });
  initializers.push(
    floatTensor(
      'logits_bias',
      [classes],
      Array.from({ length: classes }, (_, one) => (one ? 0 : bias)),
    ),
  );
  add('Gemm', ['mean', weights('logits_weight', [classes, width], 6), 'logits_bias'], 'logits', {
    transB: 1,
  });
  if (options.softmax) add('Softmax', ['logits'], 'probabilities', { axis: -1 });
  if (options.secondInput) {
    nodes.pop();
    add('Gemm', ['mean', 'logits_weight', 'offset'], 'logits', { transB: 1 });
  }
  const image = tensorInfo('image', ['batch', 3, size, size]);
  const model = modelOf({
    nodes,
    initializers,
    inputs: options.secondInput ? [image, tensorInfo('offset', ['batch', classes])] : [image],
    outputs: [tensorInfo(options.softmax ? 'probabilities' : 'logits', ['batch', classes])],
  });
  return encodeModel(create(ModelProtoSchema, model));
}
