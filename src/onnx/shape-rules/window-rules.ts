// Output shapes of operators that slide a window over [N, channels, …]: convolution and pooling.

import { intAttribute, intsAttribute, stringAttribute } from '../attributes.js';
import type { Dimension, Shape } from '../dimensions.js';
import type { GraphNode } from '../graph.js';
import { cannotTell, input, refuse, type ShapeRule } from './rule.js';

function isFixed(dimension: Dimension): dimension is number {
  return typeof dimension === 'number';
}

function channelsOf(node: GraphNode, shape: Shape): { channels: number; spatial: number[] } {
  const [, channels, ...spatial] = shape;
  if (typeof channels !== 'number' || spatial.length === 0 || !spatial.every(isFixed)) {
    return cannotTell(node, `cannot slide over a tensor of shape [${shape.join(', ')}]`);
  }
  return { channels, spatial };
}

/** Spatial extents of the output of a window of size `kernel` that slides over an input of size `spatial`. */
function slide(node: GraphNode, spatial: readonly number[], kernel: readonly number[]): number[] {
  const { proto } = node;
  const rank = spatial.length;
  if (kernel.length !== rank) {
    cannotTell(node, `has a window with ${kernel.length} axes on a tensor with ${rank} spatial axes`);
  }
  const strides = intsAttribute(proto, 'strides') ?? [];
  const dilations = intsAttribute(proto, 'dilations') ?? [];
  const pads = intsAttribute(proto, 'pads') ?? [];
  const padding = stringAttribute(proto, 'auto_pad') ?? 'NOTSET';
  const ceiling = intAttribute(proto, 'ceil_mode') === 1;
  const isSame = padding === 'SAME_UPPER' || padding === 'SAME_LOWER';
  if (isSame && dilations.some((dilation) => dilation !== 1)) {
    cannotTell(
      node,
      'combines auto_pad with dilations, where onnxruntime differs from the ONNX standard; export explicit pads',
    );
  }

  return spatial.map((extent, axis) => {
    const stride = strides[axis] ?? 1;
    const window = (dilations[axis] ?? 1) * ((kernel[axis] ?? 1) - 1) + 1;
    if (isSame) return Math.ceil(extent / stride);
    const begin = padding === 'VALID' ? 0 : (pads[axis] ?? 0);
    const end = padding === 'VALID' ? 0 : (pads[axis + rank] ?? 0);
    const moves = (extent + begin + end - window) / stride;
    if (!ceiling) return Math.floor(moves) + 1;
    const steps = Math.ceil(moves) + 1;
    // A window that would start in the padding at the end is not counted.
    return (steps - 1) * stride >= extent + begin ? steps - 1 : steps;
  });
}

const convolution: ShapeRule = (context) => {
  const { node } = context;
  const { shape } = input(context, 0);
  const [filters, perGroup, ...kernel] = input(context, 1).shape;
  const { channels, spatial } = channelsOf(node, shape);
  const groups = intAttribute(node.proto, 'group') ?? 1;
  if (typeof filters !== 'number' || typeof perGroup === 'string' || !kernel.every(isFixed)) {
    return cannotTell(node, 'has no constant weights');
  }
  if (perGroup === undefined || channels !== perGroup * groups || filters % groups !== 0) {
    return cannotTell(
      node,
      `has weights for ${(perGroup ?? 0) * groups} channels on an input with ${channels}`,
    );
  }
  return [{ shape: [shape[0] as Dimension, filters, ...slide(node, spatial, kernel)] }];
};

const pooling: ShapeRule = (context) => {
  const { node } = context;
  const { shape } = input(context, 0);
  const { channels, spatial } = channelsOf(node, shape);
  const kernel = intsAttribute(node.proto, 'kernel_shape') ?? cannotTell(node, 'has no kernel_shape');
  const pooled = { shape: [shape[0] as Dimension, channels, ...slide(node, spatial, kernel)] };
  return node.outputs.map(() => pooled);
};

const globalPooling: ShapeRule = (context) => {
  const { shape } = input(context, 0);
  const { channels, spatial } = channelsOf(context.node, shape);
  return [{ shape: [shape[0] as Dimension, channels, ...spatial.map(() => 1)] }];
};

const batchNormalisation: ShapeRule = (context) => {
  if (intAttribute(context.node.proto, 'training_mode')) refuse(context.node, 'runs in training mode');
  return [{ shape: input(context, 0).shape }];
};

export const windowRules: Readonly<Record<string, ShapeRule>> = {
  Conv: convolution,
  MaxPool: pooling,
  AveragePool: pooling,
  GlobalAveragePool: globalPooling,
  GlobalMaxPool: globalPooling,
  BatchNormalization: batchNormalisation,
};
