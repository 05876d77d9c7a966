// Enlarges small images by bicubic interpolation, as Pillow does. The centres of image and model input coincide at all
// sizes; libvips moves the pixels half a pixel to the right and down. sharp-path.ts reduces large images.
import type { ModelInput } from '../format/manifest.js';
import type { Size } from './resize/geometry.js';

/** Source pixels per pixel of the model, along each axis. Both are equal unless `resize` is `fill`. */
interface Steps {
  readonly x: number;
  readonly y: number;
}

/** Whether `input.resize` enlarges an upright image of this size along at least one axis. */
export function isEnlarged(size: Size, input: ModelInput): boolean {
  const { x, y } = stepsOf(size, input);
  return x < 1 || y < 1;
}

/**
 * The size to which an upright image of this size is cut or reduced before it is enlarged. `fill` reduces an axis that
 * is longer than the model's; the other modes keep the middle of the image.
 */
export function neededFor(size: Size, input: ModelInput): Size {
  const { x, y } = stepsOf(size, input);
  const needed = (from: number, to: number, step: number) =>
    input.resize === 'fill' ? Math.min(from, to) : middleOf(from, to * step);
  return { width: needed(size.width, input.width, x), height: needed(size.height, input.height, y) };
}

/** Number of pixels around the centre of a line of `from` that contains `length` pixels and the taps beyond them. */
function middleOf(from: number, length: number): number {
  const margin = Math.floor((from - length) / 2) - TAPS / 2;
  return margin > 0 ? from - 2 * margin : from;
}

/**
 * Enlarges pixels to the model's size by `input.resize`. `contain` adds `input.background` around them.
 *
 * @param pixels uint8 [size.height, size.width, input.channels], of the size that `neededFor` returns
 * @returns uint8 [input.height, input.width, input.channels]
 */
export function enlarge(pixels: Uint8Array, size: Size, input: ModelInput): Uint8Array {
  const { x, y } = stepsOf(size, input);
  const { channels, background } = input;
  const across = createTaps(size.width, input.width, x);
  const down = createTaps(size.height, input.height, y);
  const wide = resample(pixels, size.width, channels, across, background);
  return resample(wide, size.height, input.width * channels, down, background);
}

function stepsOf({ width, height }: Size, input: ModelInput): Steps {
  const x = width / input.width;
  const y = height / input.height;
  if (input.resize === 'fill') return { x, y };
  const both = input.resize === 'cover' ? Math.min(x, y) : Math.max(x, y);
  return { x: both, y: both };
}

/** The four source pixels of each target pixel in a line, and their weights. */
interface Taps {
  /** Indices of source pixels, four for every target pixel. An index outside the line is clamped and has weight 0. */
  readonly sources: Int32Array;
  /** Four for every target pixel. Their sum is the share of it that the source covers: 1 except at the edges. */
  readonly weights: Float64Array;
}

const TAPS = 4;

/** Taps from a line of `from` pixels to a line of `to` pixels with the same centre, `step` source pixels apart. */
function createTaps(from: number, to: number, step: number): Taps {
  const sources = new Int32Array(to * TAPS);
  const weights = new Float64Array(to * TAPS);
  for (let target = 0; target < to; target++) {
    // In source pixels from the start of the line: this pixel's centre, and the length of it that lies in the source.
    const centre = from / 2 + (target + 0.5 - to / 2) * step;
    const covered = Math.min(from, centre + step / 2) - Math.max(0, centre - step / 2);
    const start = Math.floor(centre - 0.5) - 1;
    for (let tap = 0; tap < TAPS; tap++) {
      sources[target * TAPS + tap] = Math.min(from - 1, Math.max(0, start + tap));
    }
    if (covered <= 0) continue;
    const four = Array.from({ length: TAPS }, (_, tap) =>
      start + tap < 0 || start + tap >= from ? 0 : cubic(start + tap + 0.5 - centre),
    );
    const share = Math.min(1, covered / step) / four.reduce((sum, weight) => sum + weight, 0);
    four.forEach((weight, tap) => {
      weights[target * TAPS + tap] = weight * share;
    });
  }
  return { sources, weights };
}

/** The cubic convolution kernel of Keys (1981) with a = -0.5, as in Pillow and libvips. */
function cubic(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

/** uint8 [lines, from, inner] to [lines, to, inner]; `background` where the source does not reach. */
function resample(
  source: Uint8Array,
  from: number,
  inner: number,
  { sources, weights }: Taps,
  background: number,
): Uint8Array {
  const result = new Uint8ClampedArray((source.length / from) * (weights.length / TAPS));
  let out = 0;
  for (let start = 0; start < source.length; start += from * inner) {
    for (let tap = 0; tap < weights.length; tap += TAPS) {
      const a = weights[tap] ?? 0;
      const b = weights[tap + 1] ?? 0;
      const c = weights[tap + 2] ?? 0;
      const d = weights[tap + 3] ?? 0;
      const rest = (1 - a - b - c - d) * background;
      const p = start + (sources[tap] ?? 0) * inner;
      const q = start + (sources[tap + 1] ?? 0) * inner;
      const r = start + (sources[tap + 2] ?? 0) * inner;
      const s = start + (sources[tap + 3] ?? 0) * inner;
      for (let i = 0; i < inner; i++) {
        result[out + i] =
          a * (source[p + i] ?? 0) +
          b * (source[q + i] ?? 0) +
          c * (source[r + i] ?? 0) +
          d * (source[s + i] ?? 0) +
          rest;
      }
      out += inner;
    }
  }
  return new Uint8Array(result.buffer);
}
