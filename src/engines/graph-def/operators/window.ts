// Convolution and pooling. PyTorch's padding is not TensorFlow's SAME, so it is always spelled out.
import { floatAttribute, intAttribute, intsAttribute, stringAttribute } from '../../../onnx/attributes.js';
import type { Shape } from '../../../onnx/dimensions.js';
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

/** A window over height and width; every pair is [of the height, of the width]. */
interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** As `after`, but without what only rounding up adds. */
  readonly declaredAfter: readonly number[];
}

/** [channels, height, width], or fewer or more axes, of a batch. */
function extentsOf({ node }: OperatorContext, [batch, ...extents]: Shape): number[] {
  const isBatch = typeof batch === 'string' && extents.every((extent) => typeof extent === 'number');
  return isBatch ? (extents as number[]) : refuse(node, 'takes no batch of images');
}

function windowOf(context: OperatorContext, kernel: readonly number[]): Window {
  const { node } = context;
  const shape = extentsOf(context, context.shape);
  const extents = extentsOf(context, context.value(0).shape).slice(1);
  if (extents.length !== 2 || kernel.length !== 2) refuse(node, 'does not slide over height and width');
  const strides = intsAttribute(node.proto, 'strides') ?? [1, 1];
  const dilations = intsAttribute(node.proto, 'dilations') ?? [1, 1];
  const automatic = stringAttribute(node.proto, 'auto_pad') ?? 'NOTSET';
  const pads = automatic === 'NOTSET' ? intsAttribute(node.proto, 'pads') : undefined;
  const ceiling = intAttribute(node.proto, 'ceil_mode') === 1;

  const padding = extents.map((extent, axis): readonly [number, number, number?] => {
    const [stride, dilation, size] = [strides[axis], dilations[axis], kernel[axis]] as [
      number,
      number,
      number,
    ];
    /** What the last window reaches to. */
    const reach = ((shape[axis + 1] as number) - 1) * stride + dilation * (size - 1) + 1;
    if (automatic === 'NOTSET' || automatic === 'VALID') {
      const [before, after] = [pads?.[axis] ?? 0, pads?.[axis + 2] ?? 0];
      // Rounding up may move a window beyond the padding, or leave some of it untouched.
      return [before, ceiling ? Math.max(0, reach - extent - before) : after, after];
    }
    const total = Math.max(0, reach - extent);
    const less = Math.floor(total / 2);
    return automatic === 'SAME_UPPER' ? [less, total - less] : [total - less, less];
  });
  return {
    kernel,
    strides,
    dilations,
    before: padding.map(([before]) => before),
    after: padding.map(([, after]) => after),
    declaredAfter: padding.map(([, after, declared]) => declared ?? after),
  };
}

function isPadded({ before, after }: Window): boolean {
  return [...before, ...after].some((extent) => extent > 0);
}

/** SAME where that is what the padding amounts to: TensorFlow has its fastest kernels for it. */
function paddingOf(context: OperatorContext, window: Window): Record<string, Attribute> {
  if (!isPadded(window)) return { padding: 'VALID' };
  const [before, after] = [context.value(0).shape, context.shape].map((shape) => extentsOf(context, shape));
  const isSame = [0, 1].every((axis) => {
    const [extent, extentAfter] = [before?.[axis + 1], after?.[axis + 1]] as [number, number];
    const [size, stride, dilation] = [window.kernel, window.strides, window.dilations].map(
      (pair) => pair[axis],
    ) as [number, number, number];
    // Negative where windows leave out the end; the WebAssembly kernel misplaces those of SAME.
    const total = (extentAfter - 1) * stride + dilation * (size - 1) + 1 - extent;
    return (
      extentAfter === Math.ceil(extent / stride) &&
      window.before[axis] === Math.floor(total / 2) &&
      window.after[axis] === Math.ceil(total / 2)
    );
  });
  return isSame ? { padding: 'SAME' } : { padding: 'EXPLICIT', explicit_paddings: paddings(window) };
}

/** One number for each axis of [batch, height, width, channels]. */
function perAxis(pair: readonly number[]): number[] {
  return [1, ...pair, 1];
}

/** [before, after] for each axis of [batch, height, width, channels], in one list. */
function paddings({ before, after }: Window): number[] {
  return [0, 0, ...before.flatMap((extent, axis) => [extent, after[axis] as number]), 0, 0];
}

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

function pooling(operation: 'MaxPool' | 'AvgPool'): OperatorRule {
  return (context) => {
    const { node, build } = context;
    const input = context.value(0);
    const window = windowOf(
      context,
      intsAttribute(node.proto, 'kernel_shape') ?? refuse(node, 'has no window'),
    );
    if (window.dilations.some((dilation) => dilation !== 1)) refuse(node, 'pools with a dilated window');
    // Neither runtime pools with explicit padding.
    const outside = operation === 'MaxPool' ? Number.NEGATIVE_INFINITY : 0;
    const source = isPadded(window) ? pad(build, input.node, paddings(window), outside) : input.node;
    const pooled = build.add(operation, [source], {
      ksize: perAxis(window.kernel),
      strides: perAxis(window.strides),
      padding: 'VALID',
    });
    if (operation === 'MaxPool' || !isPadded(window)) return pooled;
    return build.add('Mul', [pooled, averageCorrection(context, window)]);
  };
}

/** AvgPool divides by the whole window; ONNX by those of its cells that count. [1, height, width, 1]. */
function averageCorrection(context: OperatorContext, window: Window): string {
  const { node, build, value } = context;
  const countsPadding = intAttribute(node.proto, 'count_include_pad') === 1;
  const shape = extentsOf(context, context.shape);
  const extents = extentsOf(context, value(0).shape).slice(1);
  const counts = extents.map((extent, axis) => {
    const [size, stride, before] = [window.kernel, window.strides, window.before].map(
      (pair) => pair[axis] as number,
    ) as [number, number, number];
    const first = countsPadding ? -before : 0;
    const last = extent + (countsPadding ? (window.declaredAfter[axis] as number) : 0);
    return Array.from({ length: shape[axis + 1] as number }, (_, step) => {
      const start = step * stride - before;
      return Math.min(start + size, last) - Math.max(start, first);
    });
  });
  const [rows = [], columns = []] = counts;
  const cells = window.kernel.reduce((product, extent) => product * extent, 1);
  const factors = rows.flatMap((row) => columns.map((column) => cells / (row * column)));
  return build.floats(Float32Array.from(factors), [1, rows.length, columns.length, 1]);
}

function globalPooling(operation: 'Mean' | 'Max'): OperatorRule {
  return ({ node, build, value }) => {
    const input = value(0);
    if (input.shape.length !== 4) refuse(node, 'does not pool over height and width');
    return build.add(operation, [input.node, build.integers([1, 2])], {
      Tidx: { type: DataType.DT_INT32 },
      keep_dims: true,
    });
  };
}

/** With constant weights it is one multiplication and one addition per channel. */
const batchNormalisation: OperatorRule = (context) => {
  const { node, build } = context;
  const input = context.value(0);
  if (input.shape.length !== 2 && input.shape.length !== 4)
    refuse(node, 'normalises neither rows nor images');
  const [scale, shift, mean, variance] = [1, 2, 3, 4].map((index) => weights(context, index).values) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const epsilon = floatAttribute(node.proto, 'epsilon') ?? 1e-5;
  const factor = scale.map((value, channel) => value / Math.sqrt((variance[channel] as number) + epsilon));
  const offset = shift.map(
    (value, channel) => value - (mean[channel] as number) * (factor[channel] as number),
  );
  const scaled = build.add('Mul', [input.node, build.floats(factor, [factor.length])]);
  return build.add('AddV2', [scaled, build.floats(offset, [offset.length])]);
};

export const windowRules: Readonly<Record<string, OperatorRule>> = {
  Conv: convolution,
  MaxPool: pooling('MaxPool'),
  AveragePool: pooling('AvgPool'),
  GlobalAveragePool: globalPooling('Mean'),
  GlobalMaxPool: globalPooling('Max'),
  BatchNormalization: batchNormalisation,
};
