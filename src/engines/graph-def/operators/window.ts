// Windows that slide over height and width, for convolution and pooling. PyTorch's padding is not TensorFlow's SAME, so it is
// always spelled out.
import { intAttribute, intsAttribute, stringAttribute } from '../../../onnx/attributes.js';
import type { Shape } from '../../../onnx/dimensions.js';
import type { Attribute } from '../graph-def.js';
import { type OperatorContext, refuse } from './rule.js';

/** A window over height and width; every pair is [of the height, of the width]. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** As `after`, but without what only rounding up adds. */
  readonly declaredAfter: readonly number[];
}

/** [channels, height, width], or fewer or more axes, of a batch. */
export function extentsOf({ node }: OperatorContext, [batch, ...extents]: Shape): number[] {
  const isBatch = typeof batch === 'string' && extents.every((extent) => typeof extent === 'number');
  return isBatch ? (extents as number[]) : refuse(node, 'takes no batch of images');
}

export function windowOf(context: OperatorContext, kernel: readonly number[]): Window {
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

export function isPadded({ before, after }: Window): boolean {
  return [...before, ...after].some((extent) => extent > 0);
}

/** SAME where that is what the padding amounts to: TensorFlow has its fastest kernels for it. */
export function paddingOf(context: OperatorContext, window: Window): Record<string, Attribute> {
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
export function perAxis(pair: readonly number[]): number[] {
  return [1, ...pair, 1];
}

/** [before, after] for each axis of [batch, height, width, channels], in one list. */
export function paddings({ before, after }: Window): number[] {
  return [0, 0, ...before.flatMap((extent, axis) => [extent, after[axis] as number]), 0, 0];
}
