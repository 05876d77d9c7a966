// Pooling, and the normalisation of batches, which is constant in inference.
import { floatAttribute, intAttribute, intsAttribute } from '../../../onnx/attributes.js';
import { DataType } from '../../../protobuf/saved_model_pb.js';
import { pad } from './pad.js';
import { type OperatorContext, type OperatorRule, refuse, weights } from './rule.js';
import { extentsOf, isPadded, paddings, perAxis, type Window, windowOf } from './window.js';

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

export const poolingRules: Readonly<Record<string, OperatorRule>> = {
  MaxPool: pooling('MaxPool'),
  AveragePool: pooling('AvgPool'),
  GlobalAveragePool: globalPooling('Mean'),
  GlobalMaxPool: globalPooling('Max'),
  BatchNormalization: batchNormalisation,
};
