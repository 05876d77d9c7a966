// Which pixels of a line make up each pixel of the model, and with which weights. Kernels and roundings are Pillow's; without
// antialiasing, they are those that TensorFlow and PyTorch tensors are resized with.
import type { Interpolation } from '../../format/preprocessing.js';
import type { Axis } from './geometry.js';

export interface Taps {
  /** How many target pixels there are. */
  readonly length: number;
  /** By target pixel: the first source pixel, and how many there are. */
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  /** `most` for each target pixel, of which `counts` are used. */
  readonly weights: Float64Array;
  readonly most: number;
  /** By target pixel: the weight of the background, where the image does not reach. */
  readonly background: Float64Array;
}

interface Kernel {
  /** The distance from which on all weights are 0. */
  readonly support: number;
  weigh(distance: number): number;
}

const kernels: Readonly<Record<Exclude<Interpolation, 'nearest'>, Kernel>> = {
  bilinear: { support: 1, weigh: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, weigh: cubic },
  lanczos: { support: 3, weigh: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** Pillow's weights are whole multiples of this, so that its sums are exact; so are ours. */
const WEIGHT_UNITS = 2 ** 22;

export function tapsOf(axis: Axis, interpolation: Interpolation, antialias: boolean): Taps {
  const scale = axis.length / axis.resized;
  if (interpolation === 'nearest') return nearest(axis, antialias ? addedUp(scale) : inFloat32(scale));
  const { support, weigh } = kernels[interpolation];
  const widened = antialias ? Math.max(1, scale) : 1;
  const reach = support * widened;
  return collect(axis, Math.ceil(reach) * 2 + 1, (target) => {
    const centre = (target + 0.5) * scale;
    const from = Math.max(0, Math.trunc(centre - reach + 0.5));
    const to = Math.min(axis.length, Math.trunc(centre + reach + 0.5));
    const weights = Array.from({ length: to - from }, (_, tap) =>
      weigh((from + tap + 0.5 - centre) / widened),
    );
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { from, weights: weights.map((weight) => rounded(weight / sum)) };
  });
}

/** @param weigh what is stretched of a line, from which pixel on, with which weights; of a pixel of the resized line. */
function collect(
  { source, start, resized, left, target: length }: Axis,
  most: number,
  weigh: (target: number) => { from: number; weights: readonly number[] },
): Taps {
  const starts = new Int32Array(length);
  const counts = new Int32Array(length);
  const weights = new Float64Array(length * most);
  const background = new Float64Array(length);
  for (let target = 0; target < length; target++) {
    const place = target + left;
    if (place < 0 || place >= resized) {
      background[target] = 1;
      continue;
    }
    const line = weigh(place);
    const from = start + line.from;
    const first = Math.max(0, from);
    const count = Math.max(0, Math.min(source, from + line.weights.length) - first);
    const inside = line.weights.slice(first - from, first - from + count);
    starts[target] = count > 0 ? first : 0;
    counts[target] = count;
    weights.set(inside, target * most);
    if (count < line.weights.length)
      background[target] = rounded(1 - inside.reduce((sum, one) => sum + one, 0));
  }
  return { length, starts, counts, weights, most, background };
}

/** The pixel at the centre of each, in order. At the edges of pixels, rounding decides. */
function nearest(axis: Axis, centres: (target: number) => number): Taps {
  const pixels = new Int32Array(Math.max(0, Math.min(axis.resized, axis.left + axis.target)));
  for (let target = 0; target < pixels.length; target++) {
    pixels[target] = Math.min(axis.length - 1, Math.floor(centres(target)));
  }
  return collect(axis, 1, (target) => ({ from: pixels[target] ?? 0, weights: [1] }));
}

/** As in Pillow. @returns a function to be called for 0, 1, 2 and so on */
function addedUp(scale: number): (target: number) => number {
  let next = scale / 2;
  return () => {
    const centre = next;
    next += scale;
    return centre;
  };
}

/** As in TensorFlow. */
function inFloat32(scale: number): (target: number) => number {
  return (target) => Math.fround((target + 0.5) * Math.fround(scale));
}

/** To the nearest unit, halves away from zero. */
function rounded(weight: number): number {
  return Math.trunc(weight * WEIGHT_UNITS + Math.sign(weight) / 2) / WEIGHT_UNITS;
}

/** Keys' cubic with a = -0.5. */
function cubic(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}
