// Convolution: plain, in groups, and depthwise.
import { intAttribute } from '../../../onnx/attributes.js';
import { DataType } from '../../../protobuf/saved_model_pb.js';
import type { Attribute } from '../graph-def.js';
import { pad } from './pad.js';
import {
  type Constant,
  type OperatorContext,
  type OperatorRule,
  optionalVector,
  permuted,
  refuse,
  weights,
} from './rule.js';
import { paddingOf, paddings, perAxis, type Window, windowOf } from './window.js';

const convolution: OperatorRule = (context) => {
  const { node, build } = context;
  const input = context.value(0);
  const filters = weights(context, 1);
  const [outside, inside, ...kernel] = filters.shape as [number, number, ...number[]];
  const window = windowOf(context, kernel);
  const groups = intAttribute(node.proto, 'group') ?? 1;
  const padding = paddingOf(context, window);
  const isDepthwise = groups !== 1 && inside === 1;
  // TensorFlow forgets explicit paddings when it fuses a depthwise convolution with what follows, and aborts.
  const padsBefore = isDepthwise && padding['padding'] === 'EXPLICIT';
  const source = padsBefore ? pad(build, input.node, paddings(window), 0) : input.node;
  const attributes = {
    strides: perAxis(window.strides),
    dilations: perAxis(window.dilations),
    ...(padsBefore ? { padding: 'VALID' } : padding),
  };
  const convolved = isDepthwise
    ? build.add('DepthwiseConv2dNative', [source, depthwiseFilters(context, window, filters)], attributes)
    : convolvedInGroups(context, filters, groups, attributes);
  const bias = optionalVector(context, 2, outside);
  return bias ? build.add('BiasAdd', [convolved, build.floats(bias, [outside])]) : convolved;
};

/** [filters, 1, height, width] as [height, width, channels, filters per channel]. */
function depthwiseFilters({ node, build }: OperatorContext, window: Window, filters: Constant): string {
  const groups = intAttribute(node.proto, 'group') ?? 1;
  const [outside, , height, width] = filters.shape as [number, number, number, number];
  if (window.dilations.some((dilation) => dilation !== 1) || window.strides[0] !== window.strides[1]) {
    refuse(node, 'convolves depthwise with a dilated window, or with two different strides');
  }
  const split = { values: filters.values, shape: [groups, outside / groups, height, width] };
  const { values, shape } = permuted(split, [2, 3, 0, 1]);
  return build.floats(values, shape);
}

/** One convolution for each group of channels: TensorFlow on a CPU, and in WebAssembly, has none with groups. */
function convolvedInGroups(
  context: OperatorContext,
  { values, shape }: Constant,
  groups: number,
  attributes: Readonly<Record<string, Attribute>>,
): string {
  const { build } = context;
  const source = context.value(0).node;
  const [outside, inside, ...kernel] = shape as [number, number, ...number[]];
  const size = values.length / groups;
  const integer = { type: DataType.DT_INT32 };
  const parts = Array.from({ length: groups }, (_, group) => {
    const own = {
      values: values.slice(group * size, (group + 1) * size),
      shape: [outside / groups, inside, ...kernel],
    };
    const filter = permuted(own, [2, 3, 1, 0]);
    const begin = build.integers([0, 0, 0, group * inside]);
    const channels =
      groups === 1
        ? source
        : build.add('Slice', [source, begin, build.integers([-1, -1, -1, inside])], { Index: integer });
    return build.add('Conv2D', [channels, build.floats(filter.values, filter.shape)], attributes);
  });
  const [only] = parts;
  if (only !== undefined && groups === 1) return only;
  return build.add('ConcatV2', [...parts, build.integers([3], [])], { N: { i: groups }, Tidx: integer });
}

export const convolutionRules: Readonly<Record<string, OperatorRule>> = { Conv: convolution };
